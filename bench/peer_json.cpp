// What a bare scan of JSON lines costs: simdjson parses every line's document, and nothing is kept.
//
//   peer_json FILE
//
// Prints name, seconds and peak memory in MiB between tabs: "simdjson scan" is parse_many, which checks every line
// whole; "simdjson on demand" is iterate_many, taking the four fields that the reader takes. One thread, best
// implementation for the processor, file read into memory within the time.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include <simdjson.h>

static double peak()
{
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return double(usage.ru_maxrss) / 1024;
}

template <class Work> static bool measure(const char *name, Work work)
{
    const auto start = std::chrono::steady_clock::now();
    const size_t rows = work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("%s\t%.3f\t%.0f\n", name, seconds.count(), peak());
    std::fprintf(stderr, "%s: %zu rows (%s)\n", name, rows, simdjson::get_active_implementation()->name().c_str());
    return rows > 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    const bool scanned = measure("simdjson scan", [&] {
        size_t rows = 0;
        simdjson::dom::parser parser;
        simdjson::padded_string bytes = simdjson::padded_string::load(argv[1]);
        simdjson::dom::document_stream lines = parser.parse_many(bytes, 1 << 20);
        for (auto line : lines)
            rows += line.error() == simdjson::SUCCESS;
        return rows;
    });
    const bool taken = measure("simdjson on demand", [&] {
        size_t rows = 0;
        double sum = 0;
        simdjson::ondemand::parser parser;
        simdjson::padded_string bytes = simdjson::padded_string::load(argv[1]);
        simdjson::ondemand::document_stream lines = parser.iterate_many(bytes, 1 << 20);
        for (auto line : lines) {
            const std::string_view user = line["reviewerID"].get_string(), item = line["asin"].get_string();
            sum += double(user.size() + item.size()) + double(line["overall"].get_double());
            sum += double(int64_t(line["unixReviewTime"].get_int64()));
            rows++;
        }
        return sum > 0 ? rows : 0;
    });
    return scanned && taken ? 0 : 1;
}
