"""Which things does the mini SDXL draw, what are they called, and which does it draw most?"""

import re

# Dropped: what a prompt would not ask for, or what only differs by a detail no 128-pixel picture shows.
DROPPED_CATEGORIES = {"Flags"}
DROPPED = re.compile(
    r"(-oclock|-thirty|-skin-tone)$|^keycap-|^(man|woman|person|mrs|mx|old)-|^japanese-.*(button|beginner)$"
    r"|-facing-right$|-(light|medium|dark|medium-light|medium-dark)$"
)

# Icon names that are not what people type.
FRIENDLY = {
    "red-apple": "red apple", "automobile": "car", "honeybee": "bee", "lady-beetle": "ladybug", "red-heart": "red heart",
    "cat": "cat", "dog": "dog", "slice-of-pizza": "pizza", "glowing-star": "glowing star", "hot-beverage": "cup of coffee",
    "french-fries": "fries", "doughnut": "donut", "t-rex": "dinosaur", "sauropod": "long neck dinosaur",
    "baby-chick": "chick", "cheese-wedge": "cheese", "ear-of-corn": "corn", "poultry-leg": "chicken leg",
    "meat-on-bone": "meat", "cut-of-meat": "steak", "hot-pepper": "chili pepper", "kiwi-fruit": "kiwi",
    "soft-ice-cream": "soft ice cream", "evergreen-tree": "pine tree", "deciduous-tree": "tree", "wine-glass": "glass of wine",
    "beer-mug": "beer", "glass-of-milk": "glass of milk", "light-bulb": "light bulb", "headphone": "headphones",
    "desktop-computer": "computer", "mobile-phone": "phone", "closed-book": "book", "gem-stone": "diamond",
    "wrapped-gift": "gift", "flying-saucer": "ufo", "pile-of-poo": "poop", "crescent-moon": "moon", "locked": "lock",
    "jack-o-lantern": "halloween pumpkin", "beating-heart": "beating heart", "closed-umbrella": "closed umbrella",
    "couch-and-lamp": "couch", "magnifying-glass-tilted-left": "magnifying glass", "racing-car": "racing car",
    "ringed-planet": "planet", "globe-showing-americas": "earth", "game-die": "dice", "top-hat": "top hat",
    "tumbler-glass": "glass of whiskey", "steaming-bowl": "bowl of noodles", "sport-utility-vehicle": "suv",
    "articulated-lorry": "big truck", "delivery-truck": "truck", "fire-engine": "fire truck", "soccer-ball": "soccer ball",
    "studio-microphone": "studio microphone", "alarm-clock": "alarm clock", "front-facing-baby-chick": "front facing chick",
    "smiling-face-with-sunglasses": "cool face", "grinning-face": "happy face", "slightly-smiling-face": "smiling face",
    "crying-face": "crying face", "sun-with-face": "sun with a face", "water-wave": "wave", "droplet": "water drop",
    "baguette-bread": "baguette", "green-salad": "salad", "teacup-without-handle": "cup of tea", "womans-hat": "hat",
    "high-heeled-shoe": "high heel", "running-shoe": "sneaker", "womans-boot": "boot", "hibiscus": "flower",
    "classical-building": "temple", "locomotive": "steam train", "face-with-tears-of-joy": "laughing face",
    "smiling-face-with-heart-eyes": "face with heart eyes", "carousel-horse": "carousel horse", "artist-palette": "palette",
    "american-football": "football", "white-flower": "white flower", "electric-plug": "plug", "money-bag": "bag of money",
    "spouting-whale": "spouting whale", "passenger-ship": "cruise ship", "nut-and-bolt": "bolt", "cooked-rice": "bowl of rice",
}  # fmt: skip

# What a newcomer types first: these get most of the samples.
CORE = set(
    """
    red-apple banana grapes strawberry lemon watermelon cherries pineapple peach pear tangerine coconut kiwi-fruit tomato avocado
    carrot broccoli eggplant ear-of-corn hot-pepper mushroom potato cheese-wedge bread croissant pretzel pancakes egg hamburger
    pizza hot-dog taco french-fries sandwich sushi doughnut cookie cupcake birthday-cake shortcake pie chocolate-bar lollipop
    candy ice-cream soft-ice-cream popcorn hot-beverage teapot beer-mug wine-glass cocktail-glass tropical-drink honey-pot
    cat dog cat-face dog-face mouse rabbit rabbit-face fox bear panda koala tiger tiger-face lion cow pig pig-face horse unicorn
    zebra giraffe elephant rhinoceros hippopotamus monkey gorilla wolf deer sheep ewe goat camel kangaroo sloth otter hedgehog
    bat chicken rooster baby-chick duck swan owl eagle parrot peacock flamingo penguin turkey dove frog crocodile turtle lizard
    snake dragon t-rex sauropod whale spouting-whale dolphin fish tropical-fish blowfish shark octopus crab lobster shrimp squid
    snail butterfly bug ant honeybee lady-beetle spider scorpion
    rose sunflower tulip cherry-blossom hibiscus bouquet cactus palm-tree evergreen-tree deciduous-tree christmas-tree
    four-leaf-clover maple-leaf herb potted-plant feather fire snowflake droplet water-wave cloud sun sun-with-face crescent-moon
    full-moon star glowing-star rainbow volcano mountain snow-capped-mountain ringed-planet globe-showing-americas comet tornado
    cloud-with-rain cloud-with-lightning snowman desert-island
    automobile racing-car taxi bus police-car ambulance fire-engine delivery-truck tractor bicycle motorcycle motor-scooter train
    locomotive airplane helicopter rocket flying-saucer sailboat ship speedboat canoe anchor skateboard sled
    house house-with-garden castle church hut tent factory ferris-wheel statue-of-liberty tokyo-tower fountain circus-tent
    guitar violin trumpet saxophone drum accordion musical-keyboard microphone headphone radio television camera movie-camera
    laptop desktop-computer mobile-phone telephone floppy-disk joystick video-game light-bulb flashlight candle
    closed-book books open-book pencil paintbrush crayon scissors key old-key locked hammer wrench screwdriver axe gear magnet
    telescope microscope hourglass-done alarm-clock watch bell gem-stone ring crown top-hat graduation-cap glasses sunglasses
    umbrella backpack handbag running-shoe high-heeled-shoe t-shirt dress jeans necktie socks scarf gloves
    chair bed bathtub door window mirror broom basket bucket toothbrush soap balloon wrapped-gift teddy-bear kite yo-yo
    soccer-ball basketball tennis baseball bowling trophy game-die puzzle-piece crystal-ball magic-wand crossed-swords shield
    bow-and-arrow bomb money-bag coin envelope map world-map compass luggage shopping-cart
    red-heart blue-heart broken-heart heart-with-arrow skull ghost alien robot jack-o-lantern pile-of-poo clown-face
    grinning-face slightly-smiling-face smiling-face-with-sunglasses smiling-face-with-heart-eyes crying-face angry-face
    eye brain bone footprints paw-prints thumbs-up
    """.split()
)


def phrase(icon: str) -> str:
    """Say an icon's name the way a prompt says it: `red-apple` -> `red apple`."""
    return FRIENDLY.get(icon, icon.replace("-", " "))


def wanted(icon: str, category: str) -> bool:
    """Tell whether an icon is worth drawing."""
    return category not in DROPPED_CATEGORIES and not DROPPED.search(icon)
