/** The vocabulary of the feed server's documents. Order matters: the documents of a seed are drawn by index. */

const split = (text: string): readonly string[] => text.trim().split(/\s*\|\s*/)

export const SUBJECTS =
  split(`the harbour office | Zoë Lindqvist | our editor in São Paulo | the café’s owner | a small team from Kraków
  | the city archive | André Müller | the night train’s crew | a volunteer at the library | Siobhán O’Brien | the regional museum
  | the weather service | Jürgen & Söhne | the school’s choir | a cartographer we met | the co-op’s treasurer | Renée Dubois
  | the maintainer | one reader | the ferry company | Łukasz Wójcik | the botanical garden | the repair shop on the corner
  | Märta Öberg | the council | a retired signalman | the orchestra’s librarian | a student | the bakery & mill | Inês Gonçalves
  | the observatory | the river trust | an engineer at the plant | the festival’s jury | nobody we asked | the publisher`)

export const VERBS =
  split(`has published | quietly replaced | is rebuilding | wrote about | has measured | will open | turned down | now maintains
  | inherited | photographed | is looking for | translated | finally explained | keeps a list of | tested | brought back
  | has never seen | recommends | gave away | argued for | postponed | catalogued | counted | is raising money for
  | redrew | restored | doesn’t trust | set aside | moved | returned to`)

export const ADJECTIVES =
  split(`forgotten | seasonal | surprisingly cheap | handmade | nineteenth-century | open | quiet | half-finished | bilingual
  | narrow | remarkable | solar-powered | municipal | long-awaited | leaky | well-thumbed | temporary | shared | low-lying | annotated
  | second-hand | naïve | experimental | rarely used | weather-beaten | new | collaborative | underrated | old | portable`)

export const NOUNS =
  split(`timetable | footbridge | recipe collection | radio archive | tide gauge | printing press | allotment | bus shelter
  | font | star chart | cookbook | night market | signal box | podcast studio | bicycle lane | data set | reading room | lighthouse lens
  | map of the old town | seed library | greenhouse | newsletter | harbour wall | crème brûlée | tramway | violin | workshop manual
  | weather balloon | glossary | cable car | film reel | community kitchen | translation | windmill | piano | swimming pool`)

export const PLACES =
  split(`in Zürich | near the Málaga waterfront | on the outskirts of Łódź | behind the station | in the old town of Évora
  | two hours north of Reykjavík | at the edge of the forest | across the river | in a former textile mill | outside Besançon | on the island of Føroyar
  | along the Møre coast | under the viaduct | in Thessaloniki | between Brno & Olomouc | next to the market hall | in the basement
  | at the university of Tromsø | upstairs | over the winter | in less than a week | with almost no money | for the third time
  | before anyone noticed | during the storm | on a Tuesday`)

export const TAILS =
  split(`, and it shows | , which surprised us | | | | , says the report |, a first | , if the weather holds | , as promised
  | , or so the story goes | ; the rest is paperwork | , despite the rain | , to everyone’s relief | , for €12 a month | , at last
  | , with room for 40 people | , and the neighbours approve | , according to three witnesses | , but only just`)

export const TITLES =
  split(`How % changed everything | What we learned from % | % & other stories | Why % matters | In praise of % | The trouble with %
  | Notes on % | A week with % | “%”, revisited | Who owns %? | Inside %: part two | Field report: % | %, five years later | Don’t blame %
  | Ask the editors: % | Photos: % | Rebuilding % | The quiet return of % | % — an interview | Good morning, %`)

export const CATEGORIES =
  split(`Culture | Travel & Transport | Science | Cooking | Déjà vu | Engineering | Local history | Music | Open data | Gardening
  | Photography | Books | Weather | Interviews | Politics | Économie | Long reads | Letters`)

export const AUTHORS =
  split(`Zoë Lindqvist | André Müller | Siobhán O’Brien | Łukasz Wójcik | Renée Dubois | Inês Gonçalves | Märta Öberg | Tom Baker
  | Priya Raman | Jürgen Weiß | Ann-Kathrin Süß | Dana Novák | The editors | José Ángel Pérez | Mei Tanaka | Olu Adeyemi`)

export const PUBLISHERS =
  split(`Harbour Gazette | Café Réseau | The Slow Commuter | Signal & Noise | Northern Field Notes | El Faro | Paper Lantern
  | Werkstatt-Tagebuch | Tide Tables | Letters from Évora | Second Spring | Open Timetable | Kitchen Sink Radio | The Long Platform | Salt & Iron
  | Minor Observatory | Ferry Post | Öresund Review | The Repair Diary | Half Past Nine`)

export const HOSTS =
  split(`harbour | reseau | commuter | signal | fieldnotes | elfaro | lantern | werkstatt | tides | letters | spring | timetable
  | kitchenradio | platform | saltiron | observatory | ferrypost | oresund | repairdiary | halfpastnine`)
