import type { EventChoices } from './event-choices.js'
import { EVENTS_PER_BATCH } from './load.js'

const SPACE = 32
const ZERO = 48
export const POST_WIDTH = 6
export const VISITOR_WIDTH = 8
export const TIME_WIDTH = 13
const ID_WIDTH = 24

/** Where the numbers of an event are in its text. */
export interface EventPlaces {
  readonly post: number
  readonly visitor: number
  readonly time: number
}

/** The body of a request with a batch of events, whose numbers are written anew for each batch: making the text again would cost more than the server does. */
export class BatchBody {
  readonly bytes: Buffer
  private readonly idAt: number
  private readonly places: readonly EventPlaces[]

  constructor(private readonly choices: EventChoices) {
    const blank = (width: number) => ' '.repeat(width)
    let text = '{"batch_id":"'
    this.idAt = text.length
    text += `${blank(ID_WIDTH)}","events":[`
    const places: EventPlaces[] = []
    for (let n = 0; n < EVENTS_PER_BATCH; n++) {
      text += `${n === 0 ? '' : ','}{"kind":"${choices.kind()}","post_id":`
      const post = text.length
      text += `${blank(POST_WIDTH)},"visitor":"v`
      const visitor = text.length
      text += `${blank(VISITOR_WIDTH)}","at":`
      places.push({ post, visitor, time: text.length })
      text += `${blank(TIME_WIDTH)}}`
    }
    this.bytes = Buffer.from(`${text}]}`, 'latin1')
    this.places = places
  }

  /** Makes it another batch; the id is filled up with dots. */
  renew(id: string, now: number): void {
    const { bytes } = this
    bytes.write(id.padEnd(ID_WIDTH, '.').slice(0, ID_WIDTH), this.idAt, 'latin1')
    for (const places of this.places) writeEvent(bytes, places, this.choices, now)
  }
}

export function writeEvent(bytes: Buffer, { post, visitor, time }: EventPlaces, choices: EventChoices, now: number): void {
  write(bytes, post, POST_WIDTH, choices.post(), SPACE)
  write(bytes, visitor, VISITOR_WIDTH, choices.visitor(), ZERO)
  write(bytes, time, TIME_WIDTH, choices.time(now), ZERO)
}

/** The number, with the filler before it: JSON knows no leading zeros. */
function write(bytes: Buffer, at: number, width: number, value: number, filler: number): void {
  let rest = value
  for (let place = at + width - 1; place >= at; place--) {
    if (rest === 0 && place !== at + width - 1) {
      bytes[place] = filler
      continue
    }
    const next = Math.floor(rest / 10)
    bytes[place] = ZERO + rest - next * 10
    rest = next
  }
}
