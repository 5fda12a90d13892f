import type { SyncReport } from '../../feeds/report.js'
import type { DocumentFormat } from '../feed-server/documents.js'

/** Something the demo says of feedctl, looked up afterwards in the server's own count or in the databases. */
export interface Check {
  readonly claim: string
  readonly holds: boolean
  /** What was found. */
  readonly evidence: string
}

/** A source that could not be read. */
export interface FailedSource {
  readonly url: string
  readonly code: string
  readonly message: string
  /** Epoch ms. */
  /** Null for a source that is not asked again. */
  readonly nextCheckAt: number | null
}

interface Scene<Name extends string> {
  readonly name: Name
  readonly checks: readonly Check[]
}

interface ServeFacts extends Scene<'serve'> {
  readonly sources: number
  readonly hosts: number
  /** Of the sources that are as they should be. */
  readonly formats: Readonly<Record<DocumentFormat, number>>
  readonly odd: number
  readonly broken: number
}

interface CreateFacts extends Scene<'create'> {
  readonly dedicated: number
  readonly shared: number
  readonly feeds: number
  /** Readers of the source that most tenants read. */
  readonly mostReaders: number
}

interface SyncFacts extends Scene<'sync'> {
  readonly report: SyncReport
  readonly failed: readonly FailedSource[]
}

interface SyncAgainFacts extends Scene<'again' | 'forced'> {
  readonly report: SyncReport
}

interface PublishFacts extends Scene<'publish'> {
  readonly report: SyncReport
  readonly url: string
  readonly title: string
  readonly readers: number
}

/** What happened in a step. */
export type StepFacts = ServeFacts | CreateFacts | SyncFacts | SyncAgainFacts | PublishFacts

export type StepName = StepFacts['name']

export type DemoStep = StepFacts & { readonly durationMs: number }

export interface DemoSummary {
  readonly tenants: number
  readonly feeds: number
  readonly sources: number
  /** Requests of the first sync that were not needed because tenants read the same source. */
  readonly requestsSaved: number
  readonly posts: number
  /** Absolute. */
  readonly folder: string
  readonly envFile: string
  readonly folderBytes: number
  readonly checks: { readonly total: number; readonly failed: number }
  readonly durationMs: number
}

export interface DemoReport {
  readonly steps: readonly DemoStep[]
  readonly summary: DemoSummary
}

/** Who watches a demo. Every step begins, may move, and ends. */
export interface DemoAudience {
  begins(step: StepName): void
  moves(done: number, total: number): void
  ends(step: DemoStep): void
}
