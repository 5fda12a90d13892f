import type { Canary } from './canaries.js'

/** Something of one tenant that another saw. */
export interface Leak {
  /** Where: `GET /v1/posts/:id, kept`, `wasabi`, `redis`. */
  readonly where: string
  /** Who saw it, and whose it is: slugs. */
  readonly reader: string
  readonly owner: string
  /** What was seen: the marker of its owner, or what was done to it. */
  readonly what: string
}

/** What is found, and how much was looked at. */
export class Sightings {
  readonly leaks: Leak[] = []
  /** Places where a tenant did not see what is its own: nothing that was not found there says anything. */
  readonly blind: string[] = []
  readonly looks: Record<string, number> = {}

  constructor(private readonly canaries: readonly Canary[]) {}

  /** Looks through what a tenant was shown for what is another's. */
  look(kind: string, where: string, reader: Canary, shown: string): void {
    this.looks[kind] = (this.looks[kind] ?? 0) + 1
    for (const owner of this.canaries)
      if (owner !== reader && shown.includes(owner.marker)) this.add(where, reader, owner, `marker ${owner.marker}`)
  }

  /** Looks through what is to hold nothing of any tenant. `holder`: whose it is; null for nobody's. */
  lookForAny(kind: string, where: string, held: string, holder: Canary | null): void {
    this.looks[kind] = (this.looks[kind] ?? 0) + 1
    for (const owner of this.canaries)
      if (held.includes(owner.marker)) this.add(where, holder ?? owner, owner, `marker ${owner.marker}`)
  }

  add(where: string, reader: Canary, owner: Canary, what: string): void {
    this.leaks.push({ where, reader: reader.tenant.slug, owner: owner.tenant.slug, what })
  }

  /** Whoever looks must see its own there. */
  expect(where: string, owner: Canary, isSeen: boolean): void {
    if (!isSeen) this.blind.push(`${where}: ${owner.tenant.slug}`)
  }
}
