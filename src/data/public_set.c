#include "data/public_set.h"

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)

/* clang-format off: one row a set */
/* GroupLens states an MD5 beside each archive that does not change (<archive>.md5). */
#define MOVIELENS(set, top, sum, most_, summary_)                                                               \
    {                                                                                                           \
        .name = set, .summary = "MovieLens: " summary_,                                                         \
        .details = "GroupLens, for research; terms in its README. medley prepare --format movielens reads it.", \
        .files = {{"https://files.grouplens.org/datasets/movielens/" set ".zip", sum}}, .folder = top,          \
        .most = most_                                                                                           \
    }

/* Julian McAuley's lab states no checksums. */
#define AMAZON_2014(set, category)                                                                               \
    {                                                                                                            \
        .name = "amazon-2014-" set, .summary = "Amazon reviews 2014, 5-core, and items: " category,              \
        .details = "McAuley et al., SIGIR 2015; terms: https://cseweb.ucsd.edu/~jmcauley/datasets.html",         \
        .files = {{"https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/reviews_" category          \
                   "_5.json.gz",                                                                                 \
                   NULL},                                                                                        \
                  {"https://snap.stanford.edu/data/amazon/productGraph/categoryFiles/meta_" category ".json.gz", \
                   NULL}},                                                                                       \
        .folder = "", .most = 64 * GIB                                                                           \
    }
#define AMAZON_2023(set, category)                                                                              \
    {                                                                                                           \
        .name = "amazon-2023-" set, .summary = "Amazon reviews 2023 and items: " category,                      \
        .details = "Hou et al., 2024; terms: https://amazon-reviews-2023.github.io",                            \
        .files =                                                                                                \
            {{"https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/raw/review_categories/" category    \
              ".jsonl.gz",                                                                                      \
              NULL},                                                                                            \
             {"https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/raw/meta_categories/meta_" category \
              ".jsonl.gz",                                                                                      \
              NULL}},                                                                                           \
        .folder = "", .most = 64 * GIB                                                                          \
    }

const public_set public_sets[] = {
    MOVIELENS("ml-latest-small", "ml-latest-small", NULL, 64 * MIB,
              "100,000 ratings and 3,600 tags of 9,000 films by 600 users; changes over time"),
    MOVIELENS("ml-100k", "ml-100k", "md5:0e33842e24a9c977be4e0107933c0723", 64 * MIB,
              "100,000 ratings of 1,700 films by 1,000 users, 1998"),
    MOVIELENS("ml-1m", "ml-1m", "md5:c4d9eecfca2ab87c1945afe126590906", 128 * MIB,
              "1 million ratings of 4,000 films by 6,000 users, 2003"),
    MOVIELENS("ml-10m", "ml-10M100K", "md5:ce571fd55effeba0271552578f2648bd", 1024 * MIB,
              "10 million ratings of 10,000 films by 72,000 users, 2009"),
    MOVIELENS("ml-20m", "ml-20m", "md5:cd245b17a1ae2cc31bb14903e1204af3", 3 * GIB,
              "20 million ratings of 27,000 films by 138,000 users, 2016"),
    MOVIELENS("ml-25m", "ml-25m", "md5:6b51fb2759a8657d3bfcbfc42b592ada", 4 * GIB,
              "25 million ratings of 62,000 films by 162,000 users, 2019"),
    MOVIELENS("ml-32m", "ml-32m", "md5:d472be332d4daa821edc399621853b57", 4 * GIB,
              "32 million ratings of 87,585 films by 200,948 users, 2024"),
    AMAZON_2014("amazon-instant-video", "Amazon_Instant_Video"),
    AMAZON_2014("apps-for-android", "Apps_for_Android"),
    AMAZON_2014("automotive", "Automotive"),
    AMAZON_2014("baby", "Baby"),
    AMAZON_2014("beauty", "Beauty"),
    AMAZON_2014("books", "Books"),
    AMAZON_2014("cds-vinyl", "CDs_and_Vinyl"),
    AMAZON_2014("cell-phones-accessories", "Cell_Phones_and_Accessories"),
    AMAZON_2014("clothing-shoes-jewelry", "Clothing_Shoes_and_Jewelry"),
    AMAZON_2014("digital-music", "Digital_Music"),
    AMAZON_2014("electronics", "Electronics"),
    AMAZON_2014("grocery-gourmet-food", "Grocery_and_Gourmet_Food"),
    AMAZON_2014("health-personal-care", "Health_and_Personal_Care"),
    AMAZON_2014("home-kitchen", "Home_and_Kitchen"),
    AMAZON_2014("kindle-store", "Kindle_Store"),
    AMAZON_2014("movies-tv", "Movies_and_TV"),
    AMAZON_2014("musical-instruments", "Musical_Instruments"),
    AMAZON_2014("office-products", "Office_Products"),
    AMAZON_2014("patio-lawn-garden", "Patio_Lawn_and_Garden"),
    AMAZON_2014("pet-supplies", "Pet_Supplies"),
    AMAZON_2014("sports-outdoors", "Sports_and_Outdoors"),
    AMAZON_2014("tools-home-improvement", "Tools_and_Home_Improvement"),
    AMAZON_2014("toys-games", "Toys_and_Games"),
    AMAZON_2014("video-games", "Video_Games"),
    AMAZON_2023("all-beauty", "All_Beauty"),
    AMAZON_2023("amazon-fashion", "Amazon_Fashion"),
    AMAZON_2023("appliances", "Appliances"),
    AMAZON_2023("arts-crafts-sewing", "Arts_Crafts_and_Sewing"),
    AMAZON_2023("automotive", "Automotive"),
    AMAZON_2023("baby-products", "Baby_Products"),
    AMAZON_2023("beauty-personal-care", "Beauty_and_Personal_Care"),
    AMAZON_2023("books", "Books"),
    AMAZON_2023("cds-vinyl", "CDs_and_Vinyl"),
    AMAZON_2023("cell-phones-accessories", "Cell_Phones_and_Accessories"),
    AMAZON_2023("clothing-shoes-jewelry", "Clothing_Shoes_and_Jewelry"),
    AMAZON_2023("digital-music", "Digital_Music"),
    AMAZON_2023("electronics", "Electronics"),
    AMAZON_2023("gift-cards", "Gift_Cards"),
    AMAZON_2023("grocery-gourmet-food", "Grocery_and_Gourmet_Food"),
    AMAZON_2023("handmade-products", "Handmade_Products"),
    AMAZON_2023("health-household", "Health_and_Household"),
    AMAZON_2023("health-personal-care", "Health_and_Personal_Care"),
    AMAZON_2023("home-kitchen", "Home_and_Kitchen"),
    AMAZON_2023("industrial-scientific", "Industrial_and_Scientific"),
    AMAZON_2023("kindle-store", "Kindle_Store"),
    AMAZON_2023("magazine-subscriptions", "Magazine_Subscriptions"),
    AMAZON_2023("movies-tv", "Movies_and_TV"),
    AMAZON_2023("musical-instruments", "Musical_Instruments"),
    AMAZON_2023("office-products", "Office_Products"),
    AMAZON_2023("patio-lawn-garden", "Patio_Lawn_and_Garden"),
    AMAZON_2023("pet-supplies", "Pet_Supplies"),
    AMAZON_2023("software", "Software"),
    AMAZON_2023("sports-outdoors", "Sports_and_Outdoors"),
    AMAZON_2023("subscription-boxes", "Subscription_Boxes"),
    AMAZON_2023("tools-home-improvement", "Tools_and_Home_Improvement"),
    AMAZON_2023("toys-games", "Toys_and_Games"),
    AMAZON_2023("unknown", "Unknown"),
    AMAZON_2023("video-games", "Video_Games"),
    {0},
};
/* clang-format on */

int64_t public_set_files(const public_set *set)
{
    int64_t count = 0;
    while (count < PUBLIC_FILES_MOST && set->files[count].url != NULL)
        count++;
    return count;
}
