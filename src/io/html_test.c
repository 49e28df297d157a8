#include "testing.h"

#include "io/html.h"

#include "fixture.h"

static void test_what_means_something_is_escaped(void **state)
{
    (void)state;
    text out = {.rt = rt};
    html_add(&out, "<a href=\"x\">Tom & 'Jerry'\x01\t\x7f caf\xc3\xa9</a>");
    html_add(&out, NULL);
    html_add(&out, "");
    assert_ok(text_status(&out, err));
    assert_string_equal(out.bytes,
                        "&lt;a href=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;    caf\xc3\xa9&lt;/a&gt;");
    text_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_means_something_is_escaped)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
