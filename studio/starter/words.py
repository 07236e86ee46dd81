"""The word pools of the corpus. The last eighth of each list is held out from training (see `slots.Pool`).

Keep words that a template could use (colours, weekdays) out of the tails: a held-out word must appear nowhere else.
"""

from __future__ import annotations

from studio.starter.slots import Pool, Slots, an


def _pool(name: str, text: str, coin: str = "") -> Pool:
    return Pool(name, tuple(word.strip() for word in text.replace("\n", " ").split(",") if word.strip()), coin)


FIRST_NAMES = _pool(
    "first names",
    """Anna, Ben, Clara, David, Emma, Felix, Grace, Henry, Ivy, Jack, Karen, Leo, Mia, Noah, Olivia, Paul, Rosa, Sam, Tom,
    Lucy, Maria, Peter, Sarah, John, Alice, Omar, Priya, Wei, Yuki, Fatima, Carlos, Elena, Hugo, Nina, Oscar, Ruth, Simon, Laura,
    Victor, Amira, Daniel, Eva, George, Hana, Ian, Julia, Kofi, Lena, Martin, Nadia, Owen, Petra, Rahul, Sofia, Theo, Vera,
    Zoe, Adam, Bella, Chen, Diego, Ella, Farid, Greta, Matthias, Agnes, Bartholomew, Charlotte, Frederik, Freya, Ingrid, Joachim""",
)
THINGS = _pool(
    "things in a shop",
    """lamp, chair, table, kettle, toaster, blender, bicycle, helmet, backpack, suitcase, jacket, coat, sweater, shirt, dress,
    hat, scarf, belt, watch, ring, necklace, phone, tablet, laptop, keyboard, mouse, monitor, printer, camera, speaker, radio,
    clock, mirror, carpet, curtain, pillow, blanket, mattress, sofa, desk, bookshelf, oven, fridge, vacuum cleaner, iron, fan,
    heater, tent, sleeping bag, guitar, drum, piano, violin, football, tennis racket, skateboard, puzzle, board game, doll,
    kite, notebook, pen, pencil case, umbrella, wallet, handbag, perfume, soap, shampoo, towel, razor, frying pan, knife, fork,
    plate, bowl, mug, teapot, vase, candle, basket, ladder, hammer, drill, screwdriver, paint brush, garden hose, flower pot,
    rake, wheelbarrow, bird feeder, fish tank, dog bed, cat toy, pair of shoes, pair of boots, pair of gloves, pair of jeans,
    pair of headphones, raincoat, cardigan, toy train, coffee machine, water bottle, desk lamp, picture frame, wall clock, rug,
    microphone, hairdryer, thermos, hammock, trampoline, telescope, accordion, waffle maker, fountain pen, lantern, snowboard,
    corkscrew, doormat, binoculars, typewriter, juicer, beanbag""",
    "{w}",
)
ANIMALS = _pool(
    "animals of stories",
    """dog, cat, fox, bear, rabbit, mouse, owl, horse, cow, sheep, goat, pig, duck, hen, frog, turtle, lion, tiger, monkey, elephant,
    wolf, deer, squirrel, crow, swan, donkey, bee, ant, snail, whale, dolphin, penguin, seal, parrot, snake, spider, hedgehog, beaver,
    mole, badger, otter, camel, kangaroo, koala, panda, zebra, giraffe, eagle, sparrow, raccoon, lizard, llama, walrus, heron,
    weasel, ferret, pelican, gecko""",
    "{w}",
)
JOBS = _pool(
    "jobs",
    """baker, teacher, doctor, nurse, farmer, sailor, pilot, painter, carpenter, cook, gardener, tailor, librarian, postman, driver,
    singer, dancer, writer, miner, fisher, builder, plumber, shopkeeper, knight, king, queen, shepherd, potter, clockmaker,
    student, scientist, firefighter, florist, barber, mechanic, judge, juggler, blacksmith, beekeeper, locksmith""",
    "{w}er",
)
PLACES = _pool(
    "kinds of place",
    """school, library, park, bridge, museum, hospital, theatre, station, market, swimming pool, playground, bakery, cinema, airport,
    harbour, town hall, church, stadium, garden, zoo, factory, farm, hotel, restaurant, road, tunnel, square, cafe, bus station,
    sports hall, post office, concert hall, skating rink, lighthouse, observatory, aquarium, greenhouse""",
    "{w}",
)
OBJECTS = _pool(
    "things one asks for",
    """book, key, report, ticket, menu, bill, map, letter, form, chair, pen, password, file, receipt, salt, water, coffee, tea, money,
    car, phone, list, plan, box, bag, coat, ladder, photo, answer, address, code, contract, document, invoice, parcel, newspaper,
    bread, cake, soup, cheese, sugar, milk, torch, hammer, rope, blanket, charger, laptop, calendar, recipe, timetable, envelope,
    scissors, mustard, stapler, napkin, compass, brochure, clipboard""",
    "{w}",
)
DISHES = _pool(
    "dishes",
    """soup, pasta, rice, salad, pancakes, an omelette, a sandwich, bread, pizza, curry, stew, apple pie, a cake, tea, coffee,
    porridge, fried eggs, a burger, potato salad, tomato soup, noodles, lemonade, dumplings, risotto, waffles, meatballs""",
    "{a}",
)
HOBBIES = _pool(
    "hobbies",
    """reading, swimming, cooking, painting, hiking, dancing, singing, running, gardening, fishing, football, chess, music, films,
    travelling, baking, cycling, drawing, photography, tennis, skiing, writing, yoga, climbing, knitting, sailing, camping, pottery,
    origami, archery, juggling, birdwatching""",
    "{w}ing",
)
REASONS = _pool(
    "what happened to me",
    """I lost my keys, I missed my bus, I passed my exam, I found a new job, my cat is ill, my friend moved away, it is my birthday,
    I won a prize, my bike was stolen, I slept badly, my team won, I burned my dinner, I got a puppy, my flight was cancelled,
    I finished my book, I broke my phone, my sister is visiting, I failed my test, I bought a house, my train was late,
    my tooth hurts, I learned to swim, my roof leaks, I got engaged""",
)
FILM_KINDS = _pool(
    "kinds of film", "film, comedy, thriller, drama, cartoon, documentary, western, musical, series, romance, play, novel, mystery"
)
EVENTS = _pool(
    "events",
    """party, wedding, dinner, picnic, meeting, concert, birthday, trip, barbecue, workshop, game night, class, lunch, reunion,
    book club, quiz night, housewarming, rehearsal""",
    "{w}",
)
GOALS = _pool(
    "goals of stories",
    """find a lost key, build a boat, learn to sing, climb the tall hill, bake the best cake, see the sea, win the race, make a friend,
    find the way home, catch a star, cross the river, plant a tree, open the old door, write a song, learn to swim, fix the broken clock,
    paint the big wall, fly a kite, ring the great bell, find a warm bed, grow a red rose, visit the moon, help a sick friend,
    learn to dance, bring water to the village, read every book in the library, save the old mill, tame a dragon""",
)
COMPANIES = _pool(
    "kinds of company",
    "bank, bakery, school, airline, shop, hospital, factory, newspaper, hotel, farm, brewery, museum, shipyard",
    "{w}",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "brown", "grey", "pink", "purple", "orange")
COUNT_WORDS = _pool(
    "things to count",
    """apples, books, pens, coins, eggs, stones, cards, shells, sweets, oranges, marbles, flowers, stamps, tickets, balls, cups, cookies,
    pears, keys, hats, buttons, toys, lemons, boxes, candles, spoons, peaches, ribbons, acorns, pebbles""",
    "{w}s",
)


_OPEN = (THINGS, ANIMALS, JOBS, PLACES, OBJECTS, EVENTS, COUNT_WORDS)
# What coined words are spelt after, and what they may not be.
KNOWN = tuple(sorted({part for pool in _OPEN for word in pool.train for part in word.split() if part.isalpha()}))
RESERVED = frozenset(part for pool in (*_OPEN, DISHES, HOBBIES, COMPANIES) for word in pool.held_out for part in word.split())
_GOAL_VERBS = ("find", "build", "fix", "buy", "draw", "hide", "carry", "sell", "paint", "open", "catch", "win", "steal back", "look after")
_GOAL_KINDS = ("", "", "big ", "lost ", "golden ", "old ", "tiny ", "warm ", "broken ", "secret ")


def goal(slots: Slots) -> str:
    """What a hero wants: half of them known, half put together from a verb and a thing."""
    if slots.chance(0.5):
        return slots.pick(GOALS)
    noun = f"{slots.choose(_GOAL_KINDS)}{slots.pick(THINGS)}"
    return f"{slots.choose(_GOAL_VERBS)} {an(noun) if slots.chance(0.6) else 'the ' + noun}"


def person(slots: Slots) -> str:
    """A first name: half of them known, half invented."""
    return slots.pick(FIRST_NAMES) if slots.chance(0.5) else slots.invented(slots.choose((1, 2, 2, 2, 3)))


def shop_name(slots: Slots) -> str:
    """The name of a made-up shop."""
    word = slots.invented(2)
    return slots.choose((word, f"{word} Store", f"{word} Shop", f"{word} and {slots.invented(1)}", f"The {word} Company", f"{word} Home"))


def order_number(slots: Slots) -> str:
    """An order number in one of several forms."""
    digits = slots.digits(slots.choose((4, 5, 5, 6)))
    return slots.choose((digits, digits, digits, f"A{digits}", f"{slots.choose('BCKLMRTX')}-{digits}", f"#{digits}"))
