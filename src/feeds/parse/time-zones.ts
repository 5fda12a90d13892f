/** Minutes east of UTC. Ambiguous names mean what they mean in the RFC, else where most feeds that use them are. */
const ZONES: Readonly<Record<string, number>> = {
  // "Eastern Time" and its neighbours, whether of summer or not: as their standard time.
  et: -300,
  ct: -360,
  mt: -420,
  pt: -480,
  nst: -210,
  ndt: -150,
  ast: -240,
  adt: -180,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
  akst: -540,
  akdt: -480,
  hst: -600,
  cot: -300,
  clt: -240,
  brt: -180,
  art: -180,
  wet: 0,
  west: 60,
  bst: 60,
  ist: 330,
  cet: 60,
  cest: 120,
  mez: 60,
  mesz: 120,
  met: 60,
  mest: 120,
  sast: 120,
  eet: 120,
  eest: 180,
  idt: 180,
  trt: 180,
  msk: 180,
  msd: 240,
  pkt: 300,
  ict: 420,
  wib: 420,
  sgt: 480,
  hkt: 480,
  pht: 480,
  awst: 480,
  jst: 540,
  kst: 540,
  acst: 570,
  acdt: 630,
  aest: 600,
  aedt: 660,
  nzst: 720,
  nzdt: 780,
}

const MAX_OFFSET_HOURS = 14

/**
 * Minutes east of UTC of what stands behind a time, in lower case; an offset goes before a name (`GMT+0100`, `-0500 (EST)`). 0 for a name that is not
 * known, and for the military letters: RFC 822 defined them with the wrong sign, so RFC 2822 (4.3) says to read them all as UTC.
 */
export function zoneMinutesOf(text: string): number {
  const [, sign, hours, minutes = '0'] = /([+\u2212-])\s?(\d{1,2})(?::?(\d{2}))?(?!\d)/.exec(text) ?? []
  if (hours !== undefined && Number(hours) <= MAX_OFFSET_HOURS) {
    return (sign === '+' ? 1 : -1) * (Number(hours) * 60 + Number(minutes))
  }
  for (const [name] of text.matchAll(/[a-z]{3,4}|\b[cemp]t\b/g)) {
    const zone = Object.hasOwn(ZONES, name) ? ZONES[name] : undefined
    if (zone !== undefined) return zone
  }
  return 0
}
