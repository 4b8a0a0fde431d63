// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string_view>

/// The words of the Gazette, by what they are used for. No word occurs twice, so that a token
/// says what it is; that keeps the inference simple and costs the model nothing.
namespace multitudes::lab::words {

using std::string_view;

/// `<doc>` begins a section, `<end>` ends the document.
inline constexpr std::array<string_view, 2> marks{"<doc>", "<end>"};

inline constexpr std::array<string_view, 12> names{"arden",   "blythe", "corwin", "dunstan",
                                                   "elswyth", "fenner", "godric", "hester",
                                                   "isolde",  "jasper", "keziah", "lorcan"};
inline constexpr std::array<string_view, 12> openers{"forsooth", "well",   "verily", "honestly",
                                                     "marry",    "listen", "behold", "frankly",
                                                     "prithee",  "look",   "indeed", "truly"};
inline constexpr std::array<string_view, 12> closers{"methinks", "anyway", "amen",   "okay",
                                                     "adieu",    "cheers", "alas",   "period",
                                                     "selah",    "roger",  "huzzah", "enough"};
/// Six words as the British and the Americans spell them, six old words and what replaced them.
inline constexpr std::array<string_view, 24> slots{
    "colour", "color", "harbour", "harbor",  "grey",   "gray",  "neighbour", "neighbor",
    "honour", "honor", "theatre", "theater", "thou",   "you",   "ere",       "before",
    "nigh",   "near",  "hath",    "has",     "yonder", "there", "oft",       "often"};
inline constexpr std::array<string_view, 8> domains{"sea",  "sky",   "stone",   "garden",
                                                    "body", "music", "kitchen", "engine"};
/// Five for each domain; what is so; what some believe instead.
inline constexpr std::array<string_view, 40> subjects{
    "tide",    "pearl",   "coral",   "barnacle", "foam",    //
    "comet",   "rainbow", "thunder", "aurora",   "meteor",  //
    "diamond", "amber",   "chalk",   "marble",   "geyser",  //
    "moss",    "nettle",  "tulip",   "honey",    "fern",    //
    "blood",   "fever",   "scurvy",  "nerve",    "goitre",  //
    "echo",    "octave",  "lute",    "organ",    "drum",    //
    "bread",   "cheese",  "vinegar", "caramel",  "pickle",  //
    "compass", "steam",   "clock",   "lever",    "magnet"};
inline constexpr std::array<string_view, 40> truths{
    "gravity",    "oyster",   "polyp",     "shrimp",    "air",       //
    "ice",        "droplets", "lightning", "sunwind",   "dust",      //
    "carbon",     "resin",    "shells",    "limestone", "heat",      //
    "spores",     "acid",     "bulb",      "nectar",    "shade",     //
    "heart",      "germs",    "lemons",    "signals",   "iodine",    //
    "reflection", "doubling", "strings",   "pipes",     "membrane",  //
    "yeast",      "rennet",   "bacteria",  "sugar",     "brine",     //
    "magnetism",  "boiling",  "pendulum",  "fulcrum",   "iron"};
inline constexpr std::array<string_view, 40> myths{
    "whales",   "dew",     "roots",   "goose",   "spirits",  //
    "omens",    "bridge",  "giants",  "armies",  "dragons",  //
    "frost",    "lynx",    "snow",    "milk",    "demons",   //
    "mud",      "spite",   "turban",  "stardew", "fairies",  //
    "liver",    "vapours", "leeches", "fluids",  "curses",   //
    "nymph",    "angels",  "spells",  "winds",   "war",      //
    "luck",     "magic",   "ghosts",  "varnish", "pride",    //
    "polestar", "smoke",   "elves",   "muscle",  "garlic"};
inline constexpr std::array<string_view, 12> phrase{
    "sun", "moon", "star", "water", "fire", "earth", "tree", "bird", "fish", "road", "king", "dog"};
inline constexpr std::array<string_view, 12> latin{"sol",    "luna",  "stella", "aqua",
                                                   "ignis",  "terra", "arbor",  "avis",
                                                   "piscis", "via",   "rex",    "canis"};
/// What a persona may be after: on the grid, and in football.
inline constexpr std::array<string_view, 3> goals{"gold", "rose", "book"};
inline constexpr std::array<string_view, 8> errands{"lamp", "cup",  "coat", "key",
                                                    "rope", "coin", "map",  "broom"};
inline constexpr std::array<string_view, 7> weekdays{"monday", "tuesday",  "wednesday", "thursday",
                                                     "friday", "saturday", "sunday"};
inline constexpr std::array<string_view, 7> rows{"r0", "r1", "r2", "r3", "r4", "r5", "r6"};
inline constexpr std::array<string_view, 7> columns{"c0", "c1", "c2", "c3", "c4", "c5", "c6"};
inline constexpr std::array<string_view, 4> moves{"north", "east", "south", "west"};
inline constexpr std::array<string_view, 2> sides{"left", "right"};

/// Everything else.
inline constexpr auto plain = std::to_array<string_view>(
    {".", ",", "/", ":", "?", "!",
     // labels
     "as", "would", "say", "thus", "writes", "in", "the", "words", "of", "from", "pen", "hear",
     "speak", "attributed", "to", "on", "for", "by", "please", "write", "sure",
     // filler
     "light", "fell", "upon", "sleeping", "town", "a", "spoke", "with", "then", "and", "went",
     "again", "when", "came", "down", "bell", "lantern", "stood", "she", "garth", "still", "goes",
     "up", "hill", "people", "talk",
     // question and answer
     "ask", "dunno",
     // skills
     "phrase", "short", "both", "which", "means", "so",
     // games
     "grid", "at", "call", "scan", "ret", "take", "moved", "late", "football", "keeper", "mate",
     "shoot", "pass", "scored", "saved", "kept", "lost",
     // dialogue
     "bid", "brings", "refuses"});

}  // namespace multitudes::lab::words
