/* Overviews of films with a style: who, where and what by genre and setting, how by mood. Each sentence has several
 * forms, so that neither its order of words nor its length tells anything. */
#include "data/synthetic_state.h"

enum { WORDS = 6 };

/* "a {hero} {does} the {thing}" of a {film}. */
typedef struct genre_words {
    const char *film, *hero[4], *does[4], *thing[4];
} genre_words;

static const genre_words genres[GENRES_MOST] = {
    {"action film",
     {"retired agent", "bodyguard", "stunt driver", "former soldier"},
     {"fights for", "races across town for", "steals", "defends"},
     {"armoured train", "stolen detonator", "last helicopter", "vault"}},
    {"adventure",
     {"cartographer", "treasure hunter", "pilot", "young explorer"},
     {"sets out for", "searches for", "follows a torn map to", "crosses half the world for"},
     {"sunken temple", "lost expedition", "jade idol", "source of the river"}},
    {"animated film",
     {"talking fox", "clumsy robot", "paper dragon", "tiny knight"},
     {"befriends", "learns to fly for", "sings for", "wakes"},
     {"sleeping giant", "moon kite", "cloud factory", "king of the mice"}},
    {"family film",
     {"schoolgirl", "lonely boy", "pair of twins", "lost puppy"},
     {"finds", "hides", "rescues", "grows up beside"},
     {"tree house", "circus pony", "magic whistle", "runaway balloon"}},
    {"comedy",
     {"hapless waiter", "wedding planner", "failed magician", "nosy neighbour"},
     {"ruins", "accidentally sells", "falls into", "takes the blame for"},
     {"wedding cake", "prize pig", "dinner party", "wrong suitcase"}},
    {"crime film",
     {"safecracker", "corrupt inspector", "getaway driver", "pickpocket"},
     {"plans to rob", "is framed for", "informs on", "hides the money of"},
     {"casino", "syndicate", "evidence room", "jewel courier"}},
    {"documentary",
     {"beekeeper", "archivist", "team of divers", "village teacher"},
     {"records", "remembers", "measures", "speaks about"},
     {"vanishing glacier", "old shipyard", "strike of the weavers", "last lighthouse"}},
    {"drama",
     {"widowed doctor", "violinist", "estranged son", "factory worker"},
     {"returns to", "cannot forgive", "inherits", "cares for"},
     {"family house", "dying father", "broken marriage", "unsent letter"}},
    {"fantasy",
     {"apprentice wizard", "exiled princess", "blacksmith", "shape changer"},
     {"breaks the spell of", "is chosen by", "seeks", "bargains with"},
     {"winged crown", "dragon queen", "stone forest", "sword of ash"}},
    {"film noir",
     {"private eye", "nightclub singer", "insurance clerk", "ageing boxer"},
     {"is hired to follow", "lies about", "falls for", "double-crosses"},
     {"woman in grey", "missing heiress", "blackmailer", "shadow in the alley"}},
    {"horror film",
     {"night nurse", "babysitter", "group of students", "grave digger"},
     {"awakens", "is hunted by", "digs up", "is locked in with"},
     {"thing in the cellar", "cursed doll", "hollow scarecrow", "drowned bride"}},
    {"musical",
     {"chorus girl", "street drummer", "tap dancer", "shy composer"},
     {"dances for", "rehearses for", "writes a song about", "auditions for"},
     {"grand revue", "opening night", "broken piano", "summer ball"}},
    {"mystery",
     {"retired judge", "crossword editor", "lady detective", "hotel porter"},
     {"investigates", "puzzles over", "is the only witness of", "deciphers"},
     {"locked study", "poisoned sherry", "missing chapter", "thirteenth guest"}},
    {"romance",
     {"florist", "travelling salesman", "pen friend", "ballet teacher"},
     {"falls in love with", "meets again", "writes every week to", "waits for"},
     {"stranger on the ferry", "first love", "married man", "boy next door"}},
    {"science fiction film",
     {"android", "ship's engineer", "linguist", "colonist"},
     {"decodes", "repairs", "is left behind with", "travels through time to"},
     {"alien beacon", "orbital station", "quantum core", "first starship"}},
    {"thriller",
     {"court reporter", "hostage negotiator", "airport controller", "translator"},
     {"overhears", "has one night to stop", "is blackmailed over", "must prove"},
     {"assassination", "kidnapping", "conspiracy", "ticking bomb"}},
    {"war film",
     {"young corporal", "field medic", "tank crew", "radio operator"},
     {"holds", "deserts before", "is ordered to take", "survives"},
     {"bridge", "siege", "enemy trench", "long retreat"}},
    {"western",
     {"sheriff", "horse thief", "homesteader", "bounty hunter"},
     {"rides after", "stands up to", "guards", "duels with"},
     {"cattle baron", "silver mine", "stagecoach", "outlaw brothers"}},
};

static const char *const moods[MOODS][WORDS] = {
    {"melancholy", "wistful", "sorrowful", "tender", "mournful", "autumnal"},
    {"playful", "cheerful", "mischievous", "bubbly", "giddy", "light-hearted"},
    {"brooding", "menacing", "sinister", "ominous", "grim", "uneasy"},
    {"frantic", "breathless", "explosive", "relentless", "feverish", "furious"},
    {"dreamlike", "surreal", "hypnotic", "hazy", "otherworldly", "mysterious"},
    {"dry", "ironic", "sardonic", "deadpan", "wry", "satirical"},
};
static const char *const settings[SETTINGS][WORDS] = {
    {"on the coast", "in a fishing port", "on a storm-beaten island", "aboard a ferry", "by the harbour",
     "behind the dunes"},
    {"in the big city", "between skyscrapers", "in the subway", "on crowded boulevards", "in a tower block",
     "downtown"},
    {"high in the mountains", "on a snowed-in pass", "in an alpine hotel", "below the summit", "in a cable car",
     "on the glacier"},
    {"in the desert", "at a dusty crossroads", "in a dried-up oasis", "among the canyons", "at a border motel",
     "on the salt flats"},
    {"deep in the forest", "in a logging camp", "under old oaks", "in a hunter's cabin", "by a woodland lake",
     "among the ferns"},
    {"in a small village", "on a remote farm", "at the county fair", "in a parish hall", "among wheat fields",
     "at the mill"},
};

/* Forms of sentences: {name} is a word that was drawn, {a name} the same with its article. */
static const char *const plots[] = {
    "{where}, {a hero} {does} the {thing}.",
    "{a hero} {does} the {thing} {where}.",
    "{a mood} {hero} {does} the {thing}, and nothing {where} stays as it was.",
    "{where}, where everyone knows everyone, {a mood} {hero} {does} the {thing}.",
};
static const char *const feelings[] = {
    "{a mood}, {second mood} {film}.",
    "told {where}, this {film} is {mood} and {second mood} to the last scene.",
    "{a film} with {a mood} heart.",
    "seldom was {a film} so {mood} and so {second mood}.",
};
static const char *const asides[] = {
    /* that tell nothing */
    "the cast is new, the story is old.",
    "shot in five weeks with a crew of twelve.",
    "it took its makers three years to find the ending.",
    "nobody is who they were by the time the credits roll.",
    "the second half turns everything round.",
    "a debt is paid in the wrong coin.",
    "the way home proves to be the longest road.",
    "an old friend comes back with a question.",
};

/* The words that sentences are filled with. */
enum { HERO, DOES, THING, FILM, WHERE, MOOD, SECOND_MOOD, NAMES };
static const char *const names[NAMES] = {"hero", "does", "thing", "film", "where", "mood", "second mood"};

/* What is drawn for one overview: numbers from (item, counter). */
typedef struct teller {
    const char *word[NAMES];
    uint64_t seed, item, counter;
} teller;

static uint64_t chance(teller *t, uint64_t choices)
{
    return random_bits(t->seed, STREAM_OVERVIEW, 64 * t->item + t->counter++) % choices;
}

static const char *word_at(const teller *t, const char *name, size_t length)
{
    int n = 0;
    while (strlen(names[n]) != length || memcmp(names[n], name, length) != 0)
        n++;
    return t->word[n];
}

static void fill(const teller *t, const char *form, text *out)
{
    while (*form != '\0') {
        const size_t plain = strcspn(form, "{");
        text_append(out, form, plain);
        form += plain;
        if (*form == '\0')
            break;
        const size_t length = strcspn(++form, "}");
        const bool article = length > 2 && memcmp(form, "a ", 2) == 0;
        const char *word = word_at(t, article ? form + 2 : form, article ? length - 2 : length);
        if (article)
            text_add(out, strchr("aeiou", word[0]) != NULL ? "an " : "a ");
        text_add(out, word);
        form += length + 1;
    }
}

/* A sentence starts with a large letter, and behind a space unless it is the first. */
static void tell(const teller *t, const char *form, text *out)
{
    if (out->length > 0 && !out->failed && out->bytes[out->length - 1] == '.')
        text_add(out, " ");
    const int64_t start = out->length;
    fill(t, form, out);
    if (!out->failed && out->bytes[start] >= 'a' && out->bytes[start] <= 'z')
        out->bytes[start] = (char)(out->bytes[start] - 'a' + 'A');
}

static void draw_words(teller *t, const item_look *look)
{
    const genre_words *g = &genres[look->genre];
    const char *const *mood = moods[look->style[STYLE_MOOD]];
    const uint64_t first = chance(t, WORDS), second = (first + 1 + chance(t, WORDS - 1)) % WORDS;
    t->word[HERO] = g->hero[chance(t, 4)];
    t->word[DOES] = g->does[chance(t, 4)];
    t->word[THING] = g->thing[chance(t, 4)];
    t->word[FILM] = g->film;
    t->word[WHERE] = settings[look->style[STYLE_SETTING]][chance(t, WORDS)];
    t->word[MOOD] = mood[first];
    t->word[SECOND_MOOD] = mood[second];
}

#define ANY(t, forms) (forms)[chance(t, sizeof(forms) / sizeof *(forms))]

void synthetic_overview(const world *w, int64_t item, text *out)
{
    teller t = {.seed = (uint64_t)w->p->seed, .item = (uint64_t)item};
    item_look look;
    synthetic_looks(w, item, &look);
    draw_words(&t, &look);
    const bool feeling_first = chance(&t, 2) == 0, aside = chance(&t, 2) == 0;
    if (feeling_first)
        tell(&t, ANY(&t, feelings), out);
    tell(&t, ANY(&t, plots), out);
    if (aside)
        tell(&t, ANY(&t, asides), out);
    if (!feeling_first)
        tell(&t, ANY(&t, feelings), out);
}
