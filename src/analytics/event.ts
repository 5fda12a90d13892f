import type { TenantId } from '../tenants/ids.js'
import type { EventColumns } from './event-batch.js'
import { isoTime } from './event-time.js'
import { hashVisitor } from './visitor-hash.js'

/** How far the clock of who tells of events may be ahead, and how late they may come. */
const AHEAD_MS = 5 * 60_000
const LATE_MS = 7 * 86_400_000
const MOST_VISITOR = 200
const MOST_EXTRAS_BYTES = 1024
const KIND = /^[a-z][a-z0-9_.-]{0,31}$/
const OWN_FIELDS: ReadonlySet<string> = new Set(['kind', 'post_id', 'visitor', 'at', 'tenant'])

/** Stands for what could not be read, among events as they came out of JSON. */
export class Unreadable {
  constructor(readonly message: string) {}
}

export interface GatheringOptions {
  readonly tenantId: TenantId
  /** How many events it has room for at first; it grows. */
  readonly size: number
  /** Whether fields that feedctl does not know are kept as they are. */
  readonly keepsExtras: boolean
}

/** Good events of one tenant, column by column. */
export class Gathering {
  length = 0
  private readonly kinds = new Map<string, number>()
  private kind: Uint16Array
  private post: Float64Array
  private at: Float64Array
  private visitorHigh: Uint32Array
  private visitorLow: Uint32Array
  private extras: (string | null)[] | null = null
  private readonly hash = new Uint32Array(4)

  constructor(private readonly options: GatheringOptions) {
    const { size } = options
    this.kind = new Uint16Array(size)
    this.post = new Float64Array(size)
    this.at = new Float64Array(size)
    this.visitorHigh = new Uint32Array(size)
    this.visitorLow = new Uint32Array(size)
  }

  /** Takes an event as it came out of JSON; the answer is why it does not, or null. `now`: epoch ms. */
  add(event: unknown, now: number): string | null {
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return 'it is no object'
    if (event instanceof Unreadable) return event.message
    const { kind, post_id: post, visitor, at } = event as Readonly<Record<string, unknown>>
    if (typeof kind !== 'string' || !(this.kinds.has(kind) || KIND.test(kind)))
      return 'kind is not 1 to 32 of a-z 0-9 _ . -, a letter first'
    if (post !== undefined && post !== null && !(Number.isSafeInteger(post) && (post as number) > 0))
      return 'post_id is no positive whole number'
    const time = timeOf(at, now)
    if (!(time <= now + AHEAD_MS)) return timeWords(time)
    if (time < now - LATE_MS) return 'at is more than 7 days ago'
    const refusal = this.setVisitor(visitor)
    if (refusal !== null) return refusal
    if (this.options.keepsExtras) {
      const extras = extrasOf(event)
      if (extras !== null && Buffer.byteLength(extras) > MOST_EXTRAS_BYTES)
        return 'its other fields are more than 1,024 bytes of JSON'
      if (extras !== null) this.extras ??= new Array(this.length).fill(null)
      this.extras?.push(extras)
    }
    const { length } = this
    if (length === this.kind.length) this.grow()
    this.kind[length] = this.placeOf(kind)
    this.post[length] = (post as number | null | undefined) ?? 0
    this.at[length] = time
    this.visitorHigh[length] = this.hash[0] as number
    this.visitorLow[length] = this.hash[1] as number
    this.length++
    return null
  }

  /** What was gathered; the gathering is over. */
  columns(): EventColumns {
    const { length, extras } = this
    return {
      length,
      kinds: [...this.kinds.keys()],
      kind: this.kind.subarray(0, length),
      post: this.post.subarray(0, length),
      at: this.at.subarray(0, length),
      visitorHigh: this.visitorHigh.subarray(0, length),
      visitorLow: this.visitorLow.subarray(0, length),
      extras,
    }
  }

  private grow(): void {
    const size = Math.max(2 * this.length, 16)
    this.kind = larger(this.kind, new Uint16Array(size))
    this.post = larger(this.post, new Float64Array(size))
    this.at = larger(this.at, new Float64Array(size))
    this.visitorHigh = larger(this.visitorHigh, new Uint32Array(size))
    this.visitorLow = larger(this.visitorLow, new Uint32Array(size))
  }

  private placeOf(kind: string): number {
    const known = this.kinds.get(kind)
    if (known !== undefined) return known
    const place = this.kinds.size
    this.kinds.set(kind, place)
    return place
  }

  private setVisitor(visitor: unknown): string | null {
    if (visitor === undefined || visitor === null) {
      this.hash.fill(0)
      return null
    }
    const name = typeof visitor === 'number' && Number.isFinite(visitor) ? String(visitor) : visitor
    if (typeof name !== 'string' || name.length === 0 || name.length > MOST_VISITOR)
      return 'visitor is not 1 to 200 characters, nor a number'
    hashVisitor(name, this.options.tenantId, this.hash)
    return null
  }
}

function larger<Column extends Uint16Array | Uint32Array | Float64Array>(column: Column, empty: Column): Column {
  empty.set(column)
  return empty
}

/** NaN for what is no time. */
function timeOf(at: unknown, now: number): number {
  if (at === undefined || at === null) return now
  if (typeof at === 'number') return Math.floor(at)
  return typeof at === 'string' ? isoTime(at) : Number.NaN
}

function timeWords(time: number): string {
  return Number.isNaN(time) ? 'at is neither ISO 8601 with a zone nor epoch milliseconds' : 'at is more than 5 minutes ahead'
}

/** As JSON; null for none. */
function extrasOf(event: object): string | null {
  const rest: [string, unknown][] = Object.entries(event).filter(([name]) => !OWN_FIELDS.has(name))
  return rest.length === 0 ? null : JSON.stringify(Object.fromEntries(rest))
}
