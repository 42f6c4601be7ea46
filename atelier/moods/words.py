"""The words of the moods: one row for each plain phrase, one column for each mood.

A row begins with the phrase that the plain parser reads. Phrases of equal meaning stand between slashes, and
an empty cell is a form that a mood does not use: every fact has one cell at least. An adjective stands before
the garment's noun; what a garment has, and what is worn with it, bring their own article.
"""

COLUMNS = ("cheerful", "terse", "poetic", "sarcastic")

PEOPLE = """
woman  | gal / sweetie | girl     | maiden / damsel   | diva / it-girl
man    | fella / champ | guy      | squire / minstrel | dude / bro
person | sunny soul    | somebody | wanderer          | visionary
"""
GARMENTS = """
t-shirt       | tee             | tee-shirt   | tunic          | tee
tank top      | tank            | singlet     | slip           | muscle tank
shirt         | button-up       | button-down | chemise        | office button-up
sweater       | snuggly jumper  | jumper      | jersey         | grandpa jumper
hoodie        | huggable hoody  | hoody       | cowl           | hacker hoody
dress         | summer frock    | frock       | gown           | gala frock
trousers      | comfy slacks    | slacks      | breeches       | grown-up slacks
shorts        | sunny shorties  | shorts      | small breeches | shorties
skirt         | twirly skirt    | skirt       | kirtle         | so-called skirt
leggings      | bouncy tights   | tights      | leg-wraps      | stretchy tights
jeans         | comfy jeans     | jeans       | denims         | dad jeans
jacket        | zippy jacket    | blazer      | doublet        | statement jacket
coat          | snuggle coat    | topcoat     | cloak / mantle | detective coat
cardigan      | cozy cardie     | cardie      | wrap           | librarian cardie
vest          | cute gilet      | gilet       | jerkin         | sleeve-free gilet
top           | happy top       | upper       | bodice         | mystery top
lower garment | happy bottoms   | bottoms     | hidden hem     | mystery bottoms
outer garment | happy outerwear | outerwear   | outer shroud   | mystery outerwear
"""
ADJECTIVES = """
black        | inky             | black      | ebony / raven    | pitch-dark
white        | milky            | white      | lily / pearly    | printer-paper
gray         | silvery          | grey       | misty            | dishwater
red          | cherry           | red        | scarlet          | fire-truck
orange       | tangerine        | orange     | amber            | traffic-cone
yellow       | sunshine         | yellow     | golden           | highlighter
green        | clover           | green      | emerald          | broccoli
blue         | ocean            | blue       | azure / sapphire | toothpaste
purple       | grape            | purple     | violet           | eggplant
pink         | bubblegum        | pink       | blushing         | flamingo
brown        | chocolate        | brown      | chestnut         | mud
beige        | vanilla          | beige      | flaxen           | oatmeal
plain        | simple           | blank      | unadorned        | featureless
striped      | stripy           | pinstriped |                  | barcode
plaid        | picnic-check     | tartan     |                  | lumberjack
floral       | blossomy         | botanical  |                  | wallpaper-floral
graphic      | fun-print        | logo       |                  | billboard
color-block  | color-splash     | two-tone   |                  | paint-by-number
dotted       | dotty            | spotted    |                  | ladybug
cotton       | cottony          | cotton     | cotton           | budget-cotton
denim        | denim-tastic     | denim      | denim            | cowboy-denim
knitted      | cozy-knit        | woolly     | woolen           | grandma-knit
leather      | rockstar-leather | leather    | leather          | biker-leather
chiffon      | floaty           | sheer      | gauzy            | see-through
furry        | cuddly           | plush      | downy            | teddy-bear
thigh-length | leg-loving       | mini       |                  | laundry-shrunk
knee-length  | knee-tickling    | knee-high  |                  | knee-obsessed
calf-length  | calf-skimming    | cropped    |                  | flood-ready
long         | ankle-kissing    | maxi       |                  | floor-mopping
"""
FEATURES = """
no pattern             |                   |            | bare as light          |
striped pattern        | jolly stripes     | pinstripes | ruled by slender lines | prison-chic stripes
plaid pattern          | merry checks      |            | squared like fields    |
floral pattern         | cheery blooms     | petals     | where blossoms wake    | plastic-looking petals
graphic print          | a playful picture | big motif  | bearing a painted sign | a deep artistic doodle
color-block pattern    |                   |            | in fields of hue       |
dotted pattern         | giggly dots       | specks     | strewn with moons      | a rash of dots
made of cotton         |                   |            | spun of cotton         |
made of denim          |                   |            | hewn of denim          |
made of knitted fabric |                   |            | looped of yarn         |
made of leather        |                   |            | carved of hide         |
made of chiffon        |                   |            | breathed of gauze      |
made of fur            |                   |            | soft as a fox          |
thigh-length length    |                   |            | halting upon the thigh |
knee-length length     |                   |            | bowing before the knee |
calf-length length     |                   |            | lingering at the calf  |
long length            |                   |            | trailing to the ankle  |
"""
CUT = """
no sleeves           | bare sunny arms       | bare arms     | arms left bare         | sleeves on strike
short sleeves        | perky tiny sleeves    | brief sleeves | sleeves soon done      | bargain-size sleeves
elbow-length sleeves | elbow-hugging sleeves | elbow sleeves | sleeves to the elbow   | half-hearted sleeves
long sleeves         | full snuggly sleeves  | full sleeves  | sleeves to the wrist   | endless sleeves
round neckline       | a smiley round neck   | scoop neck    | a moon at the throat   | a daringly round neck
v-shaped neckline    | a zingy vee           | vee neck      | a bird at the throat   | a risky little vee
square neckline      | a boxy sweet neck     | boxy neck     | a window at the throat | a geometry-class neck
lapel collar         | a crisp folded collar | notch collar  | wings at the throat    | a boardroom collar
standing collar      | a proud perky collar  | funnel collar | a tower at the throat  | a collar at attention
thin straps          | dainty straps         | string straps | on threads of rain     | heroically tiny straps
"""
ACCESSORIES = """
cap        | a sporty cap          | ballcap     | a peaked crown        | a thinking cap
beanie     | a toasty beanie       | toque       | a soft bonnet         | a hipster beanie
sun hat    | a big sunny brim      | straw hat   | a brim wide as noon   | a satellite-dish hat
glasses    | clever specs          | specs       | clear panes           | brainy specs
sunglasses | super-cool shades     | shades      | dark panes            | incognito shades
scarf      | a huggy scarf         | muffler     | a winding shawl       | a neck blanket
necklace   | a twinkly pendant     | pendant     | a string of starlight | crown-jewel bling
tie        | a dapper cravat       | cravat      | a knotted ribbon      | a corporate leash
watch      | a ticking timepiece   | timepiece   | a keeper of hours     | a prehistoric phone
bracelet   | a jingly bangle       | bangle      | a circlet             | wrist bling
ring       | a sparkly finger band | finger band | a hoop of starlight   | finger bling
belt       | a cinchy belt         | waistband   | a girdle              | a gravity-proof belt
socks      | toe-warming socks     | hosiery     | stockings             | foot mittens
"""

LINKS = {"cheerful": " with ", "terse": ", ", "poetic": ", ", "sarcastic": " with "}  # noun to features
BARE_NOUNS = "terse"  # the mood without articles

# Sentences around the facts: {person}, {wear} a garment, {has} what else is to be said of it, {things} worn
# with it. No verb hangs on what may be plural, and no shape holds a word that denies.
SHAPES: dict[str, dict[str, tuple[str, ...]]] = {
    "cheerful": {
        "first": (
            "wow, look at this {person} rocking {wear}!",
            "hooray for our {person}, beaming in {wear}!",
            "what a joy, this {person} totally shines in {wear}!",
            "{wear}? our {person} nails it, yippee!",
        ),
        "upper": ("peekaboo, {wear} underneath!", "inside, surprise, {wear}!"),
        "lower": ("bring on {wear}!", "and yes, {wear}, pure magic!", "let's dance in {wear}!"),
        "outer": ("all wrapped up by {wear}, so snug!", "extra hugs from {wear}!"),
        "more": ("oh, how we love {has}!", "three cheers for {has}!", "oh my, {has}!"),
        "things": ("yay for {things}!", "plus {things}, how fabulous!", "{things} too, woohoo!"),
        "alone": ("hello, {person}, you beauty!",),
    },
    "terse": {
        "first": ("{person}. {wear}.", "{person}: {wear}.", "{wear}. {person}."),
        "upper": ("inside: {wear}.", "{wear}."),
        "lower": ("below: {wear}.", "{wear}."),
        "outer": ("outside: {wear}.", "{wear}."),
        "more": ("{has}.", "note {has}."),
        "things": ("{things}.", "extras: {things}."),
        "alone": ("{person}.",),
    },
    "poetic": {
        "first": (
            "behold, in {wear}, some {person}.",
            "in {wear}, there wanders one {person}.",
            "softly as dawn comes some {person}, clad in {wear}.",
        ),
        "upper": ("and near the heart lies {wear}.", "beneath, dreaming, sleeps {wear}."),
        "lower": ("below, like rivers, {wear}.", "then, earthward, {wear}."),
        "outer": ("around it, like night, {wear}.", "above all drifts {wear}."),
        "more": ("o see: {has}.", "look nearer: {has}."),
        "things": ("like stars, behold {things}.", "there shine, as dew, {things}."),
        "alone": ("behold some {person}.",),
    },
    "sarcastic": {
        "first": (
            "oh great, another {person} in {wear}.",
            "stop the presses: some {person} discovered {wear}.",
            "because everybody begged for it: yet another {person} in {wear}.",
            "{wear}, seriously? bravo, {person}.",
        ),
        "upper": ("underneath lurks {wear}, how thrilling.", "and, gasp, {wear} inside."),
        "lower": ("plus {wear}, how original.", "{wear} below, because why be subtle?"),
        "outer": ("{wear} on top, very mysterious.", "hidden, sadly, beneath {wear}."),
        "more": ("oh, and {has}, be still my heart.", "do admire {has}."),
        "things": ("and {things}, obviously.", "the genius touch, apparently: {things}."),
        "alone": ("wow, {person}, how thrilling.",),
    },
}
