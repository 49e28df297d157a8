#include "data/time_pattern.h"

typedef struct moment {
    int year, month, day, hour, minute, second;
    int day_of_year;       /* 0: not said */
    int hour12, afternoon; /* -1: not said */
    int offset;            /* seconds east of Greenwich */
    int64_t seconds;
    bool absolute; /* `seconds` says it all */
} moment;

typedef struct time_scan {
    const char *at, *end;
} time_scan;

static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                     "july",    "august",   "september", "october", "november", "december"};
static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

/* Days since 1970 of a date, after Hinnant's days_from_civil. */
static int64_t days_of(int year, int month, int day)
{
    const int y = year - (month <= 2);
    const int era = y / 400, of_era = y % 400; /* years are not negative */
    const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return (int64_t)era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_days(int year, int month)
{
    static const int each[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : each[month - 1];
}

static bool digit(const time_scan *s)
{
    return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

/* 1..most digits whose value lies in low..high. */
static bool take_number(time_scan *s, int most, int low, int high, int *out)
{
    int value = 0, count = 0;
    for (; digit(s) && count < most; count++)
        value = value * 10 + (*s->at++ - '0');
    *out = value;
    return count > 0 && value >= low && value <= high;
}

static bool take_character(time_scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* A name, whole or its first three letters, in any case; its place from 1. */
static bool take_name(time_scan *s, const char *const *names, int count, int *out)
{
    for (int i = 0; i < count; i++) {
        const size_t left = (size_t)(s->end - s->at);
        size_t same = 0;
        while (same < left && names[i][same] != '\0' && (s->at[same] | 32) == names[i][same])
            same++;
        if (same < 3)
            continue;
        s->at += names[i][same] == '\0' ? same : 3;
        *out = i + 1;
        return true;
    }
    return false;
}

static bool take_fraction(time_scan *s)
{
    const char *start = s->at;
    while (digit(s))
        s->at++;
    return s->at > start;
}

/* Z, UTC, +hh, +hhmm or +hh:mm. */
static bool take_zone(time_scan *s, moment *m)
{
    int hours, minutes = 0;
    if (s->end - s->at >= 3 && memcmp(s->at, "UTC", 3) == 0)
        s->at += 3;
    else if (!take_character(s, 'Z')) {
        const bool west = s->at < s->end && *s->at == '-';
        if (s->at == s->end || (*s->at != '+' && *s->at != '-'))
            return false;
        s->at++;
        if (!take_number(s, 2, 0, 15, &hours))
            return false;
        const bool colon = take_character(s, ':');
        if ((colon || digit(s)) && !take_number(s, 2, 0, 59, &minutes))
            return false;
        m->offset = (hours * 60 + minutes) * (west ? -60 : 60);
    }
    return true;
}

static bool take_seconds(time_scan *s, moment *m)
{
    const char *start = s->at;
    while (digit(s))
        s->at++;
    m->absolute = true;
    return number_int(start, (size_t)(s->at - start), &m->seconds);
}

static bool take_clock(time_scan *s, moment *m)
{
    return take_number(s, 2, 0, 23, &m->hour) && take_character(s, ':') && take_number(s, 2, 0, 59, &m->minute) &&
           take_character(s, ':') && take_number(s, 2, 0, 60, &m->second);
}

static bool take_date(time_scan *s, moment *m)
{
    return take_number(s, 4, 0, 9999, &m->year) && take_character(s, '-') && take_number(s, 2, 1, 12, &m->month) &&
           take_character(s, '-') && take_number(s, 2, 1, 31, &m->day);
}

static bool take_field(time_scan *s, char letter, moment *m)
{
    int ignored;
    switch (letter) {
    case 'Y':
        return take_number(s, 4, 0, 9999, &m->year);
    case 'y':
        if (!take_number(s, 2, 0, 99, &m->year))
            return false;
        m->year += m->year < 69 ? 2000 : 1900; /* POSIX */
        return true;
    case 'm':
        return take_number(s, 2, 1, 12, &m->month);
    case 'b':
    case 'B':
        return take_name(s, months, 12, &m->month);
    case 'd':
        return take_number(s, 2, 1, 31, &m->day);
    case 'j':
        return take_number(s, 3, 1, 366, &m->day_of_year);
    case 'a':
    case 'A':
        return take_name(s, days, 7, &ignored);
    case 'H':
        return take_number(s, 2, 0, 23, &m->hour);
    case 'I':
        return take_number(s, 2, 1, 12, &m->hour12);
    case 'p':
        m->afternoon = s->at < s->end && (*s->at | 32) == 'p';
        if (s->end - s->at < 2 || ((*s->at | 32) != 'p' && (*s->at | 32) != 'a') || (s->at[1] | 32) != 'm')
            return false;
        s->at += 2;
        return true;
    case 'M':
        return take_number(s, 2, 0, 59, &m->minute);
    case 'S':
        return take_number(s, 2, 0, 60, &m->second);
    case 'f':
        return take_fraction(s);
    case 'z':
        return take_zone(s, m);
    case 's':
        return take_seconds(s, m);
    case 'T':
        return take_clock(s, m);
    case 'F':
        return take_date(s, m);
    case '%':
        return take_character(s, '%');
    default:
        return false;
    }
}

static bool take_iso8601(time_scan *s, moment *m)
{
    if (!take_date(s, m))
        return false;
    if (s->at == s->end)
        return true;
    if (!take_character(s, 'T') && !take_character(s, ' '))
        return false;
    if (!take_number(s, 2, 0, 23, &m->hour) || !take_character(s, ':') || !take_number(s, 2, 0, 59, &m->minute))
        return false;
    if (take_character(s, ':') && !take_number(s, 2, 0, 60, &m->second))
        return false;
    if ((take_character(s, '.') || take_character(s, ',')) && !take_fraction(s))
        return false;
    if (s->at < s->end && *s->at == ' ')
        s->at++;
    return s->at == s->end || take_zone(s, m);
}

static bool finish(const moment *m, int64_t *seconds)
{
    if (m->absolute) {
        *seconds = m->seconds;
        return true;
    }
    if (m->day > month_days(m->year, m->month))
        return false;
    const int64_t day =
        m->day_of_year > 0 ? days_of(m->year, 1, 1) + m->day_of_year - 1 : days_of(m->year, m->month, m->day);
    const int hour = m->hour12 > 0 ? m->hour12 % 12 + (m->afternoon > 0 ? 12 : 0) : m->hour;
    *seconds = day * 86400 + hour * 3600 + m->minute * 60 + m->second - m->offset;
    return true;
}

bool time_parse(const char *pattern, const char *bytes, size_t length, int64_t *seconds)
{
    time_scan s = {bytes, bytes + length};
    moment m = {.year = 1970, .month = 1, .day = 1, .hour12 = -1, .afternoon = -1};
    if (strcmp(pattern, "iso8601") == 0)
        return take_iso8601(&s, &m) && s.at == s.end && finish(&m, seconds);
    for (const char *p = pattern; *p != '\0'; p++) {
        if (*p == ' ') {
            while (s.at < s.end && *s.at == ' ')
                s.at++;
        } else if (*p != '%') {
            if (!take_character(&s, *p))
                return false;
        } else if (!take_field(&s, *++p, &m)) {
            return false;
        }
    }
    return s.at == s.end && finish(&m, seconds);
}

bool time_pattern_is_known(const char *pattern)
{
    bool year = strcmp(pattern, "iso8601") == 0;
    for (const char *p = strchr(pattern, '%'); p != NULL; p = strchr(p + 2, '%')) {
        if (p[1] == '\0' || strchr("YymdHIMSfpbBaAjzsTF%", p[1]) == NULL)
            return false;
        year |= strchr("YysF", p[1]) != NULL;
    }
    return year;
}
