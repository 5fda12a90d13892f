/**
 * Starts of month names without accents, January first: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Ukrainian,
 * Czech, Turkish, Romanian and Greek, as they stand in dates (the genitive where there is one). Three letters, or as many as tell two months apart.
 */
const MONTHS: readonly string[] = [
  'jan jae ene gen sty янв січ led oca ian ιαν',
  'feb fev lut фев лют uno sub φεβ',
  'mar mae maa mrz mrt мар бер bre μαρ',
  'apr abr avr kwi апр кві dub nis απρ',
  'may mai mag maj mei мая маи тра kve μαι',
  'jun juin giu cze июн чер cer haz iun ιουν',
  'jul juil lug lip июл лип cervenc tem iul ιουλ',
  'aug ago aou sie авг сер srp agu αυγ',
  'sep set wrz сен вер zar eyl σεπ',
  'oct okt out ott paz окт жов rij eki οκτ',
  'nov lis ноя лис kas noi νοε',
  'dec dez dic gru дек гру pro ara δεκ',
]

const NUMBERS = new Map(MONTHS.flatMap((starts, index) => starts.split(' ').map(start => [start, index + 1] as const)))

/** 1 to 12, for a name in lower case without accents; null when it is none. */
export function monthNamed(name: string): number | null {
  return NUMBERS.get(name.slice(0, 7)) ?? NUMBERS.get(name.slice(0, 4)) ?? NUMBERS.get(name.slice(0, 3)) ?? null
}
