#include "data/moment.h"

#define LATEST INT64_C(4102444799) /* the end of 2099, as everywhere in a store */

/* `digits` digits at *at, which moves behind them; -1: they are not there. */
static int take_number(const char **at, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = 10 * value + (**at - '0');
    }
    return value;
}

static bool take(const char **at, const char *one_of)
{
    if (**at == '\0' || strchr(one_of, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && year % 4 == 0); /* 2000 is a leap year, and 2100 is behind LATEST */
}

/* Days from 1970-01-01 to a date of 1970 or later. */
static int64_t days_until(int year, int month, int day)
{
    int64_t days = day - 1;
    for (int y = 1970; y < year; y++)
        days += 337 + days_of_month(y, 2);
    for (int m = 1; m < month; m++)
        days += days_of_month(year, m);
    return days;
}

static bool parse_date(const char *at, int64_t *seconds)
{
    int hour = 0, minute = 0, second = 0;
    const int year = take_number(&at, 4);
    if (year < 1970 || !take(&at, "-"))
        return false;
    const int month = take_number(&at, 2);
    if (month < 1 || month > 12 || !take(&at, "-"))
        return false;
    const int day = take_number(&at, 2);
    if (day < 1 || day > days_of_month(year, month))
        return false;
    if (take(&at, "T ")) {
        hour = take_number(&at, 2);
        minute = take(&at, ":") ? take_number(&at, 2) : -1;
        second = take(&at, ":") ? take_number(&at, 2) : 0;
        (void)take(&at, "Z");
    }
    if (*at != '\0' || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *seconds = ((days_until(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}

/* 2019: the year, or seconds? Who means the first would get a moment of 1970, and never be told. */
static bool may_be_year(const char *value)
{
    return strlen(value) == 4 && strspn(value, "0123456789") == 4;
}

medley_status moment_parse(const char *setting, const char *value, int64_t *seconds, medley_error *err)
{
    *seconds = 0;
    if (value[0] == '\0')
        return MEDLEY_OK;
    if (may_be_year(value))
        return fail(err, MEDLEY_E_CONFIG,
                    "%s: '%s' may be a year; accepted: %s-01-01, %s-01-01T07:19:30 (UTC), or seconds since 1970 "
                    "that are not of four digits",
                    setting, value, value, value);
    if ((parse_date(value, seconds) || number_int(value, strlen(value), seconds)) && *seconds >= 0 &&
        *seconds <= LATEST)
        return MEDLEY_OK;
    return fail(err, MEDLEY_E_CONFIG,
                "%s: '%.100s' is no moment; accepted: seconds since 1970 (0..%lld), 2019-03-31 or "
                "2019-03-31T07:19:30 (UTC)",
                setting, value, (long long)LATEST);
}
