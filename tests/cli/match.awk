# Compares what a program printed with what was expected: awk -f match.awk EXPECTED ACTUAL.
# An expected line '...' stands for any lines, also none; with -v globs=1 a '*' within a line stands
# for any characters. Exit code 0: equal.

function matches_line(pattern, line,    parts, count, i, at)
{
    if (!globs || index(pattern, "*") == 0)
        return pattern == line
    count = split(pattern, parts, /[*]/)
    if (substr(line, 1, length(parts[1])) != parts[1])
        return 0
    line = substr(line, length(parts[1]) + 1)
    for (i = 2; i < count; i++) {
        at = index(line, parts[i])
        if (parts[i] != "" && at == 0)
            return 0
        if (parts[i] != "")
            line = substr(line, at + length(parts[i]))
    }
    at = length(line) - length(parts[count])
    return at >= 0 && substr(line, at + 1) == parts[count]
}

# Walks both once; after a mismatch goes back to the last '...' and lets it take one line more.
function matches(    e, a, back_e, back_a)
{
    e = a = 1
    back_e = 0
    while (a <= actual_count) {
        if (e <= expected_count && expected[e] == "...") {
            back_e = ++e
            back_a = a
        } else if (e <= expected_count && matches_line(expected[e], actual[a])) {
            e++
            a++
        } else if (back_e > 0) {
            e = back_e
            a = ++back_a
        } else
            return 0
    }
    while (e <= expected_count && expected[e] == "...")
        e++
    return e > expected_count
}

BEGIN {
    while ((getline line < ARGV[1]) > 0)
        expected[++expected_count] = line
    while ((getline line < ARGV[2]) > 0)
        actual[++actual_count] = line
    exit !matches()
}
