import { createHash, randomBytes } from 'node:crypto'
import { sleep } from '../../kernel/clock.js'
import { Failure } from '../../kernel/errors.js'
import { shortHash } from '../../kernel/hash.js'
import type { Log } from '../../kernel/log.js'
import { type Device, Devices } from './devices.js'
import type { SessionDriver, TrialTerms } from './driver.js'
import { PasswordCheck } from './password.js'
import { trialKeyOf } from './trial-key.js'

const OPERATOR = 'ops'
const MINUTE_MS = 60_000
/** Of one address, or of one browser that is known. */
const NEAR: TrialTerms = { free: 5, firstWaitMs: MINUTE_MS, longestWaitMs: 15 * MINUTE_MS, forgetMs: 60 * MINUTE_MS }
/** Of all addresses together: they are slowed down, never refused, since anybody can bring this about. */
const FAR: TrialTerms = { ...NEAR, free: 20, firstWaitMs: 1_000, longestWaitMs: 4_000 }
const EVERYBODY = 'all'

/** A session that counts now. */
export interface OpenSession {
  readonly id: string
  /** Epoch ms. */
  readonly endsAt: number
}

/** Who wants to log in. */
export interface Caller {
  readonly address: string
  /** The mark that its browser has kept, if it sent one. */
  readonly mark: string | undefined
}

export interface LoggedIn extends OpenSession {
  readonly device: Device
}

/** Who knows the operator's password, and since when. */
export class Logins {
  private readonly check: PasswordCheck
  /** Of browsers that are known: they do not stand in line with strangers. */
  private readonly knownCheck: PasswordCheck
  private readonly devices: Devices
  private readonly password: string
  private readonly lastsMs: number

  constructor(
    private readonly driver: SessionDriver,
    { hash, lastsMs }: { readonly hash: string; readonly lastsMs: number },
    private readonly log: Log,
  ) {
    this.check = new PasswordCheck(hash)
    this.knownCheck = new PasswordCheck(hash)
    this.devices = new Devices(hash)
    this.password = shortHash(hash)
    this.lastsMs = lastsMs
  }

  /**
   * A browser in which the operator has logged in before is counted by itself: whoever fails elsewhere, at the same address too, does not keep it waiting.
   * @throws {Failure} LOGIN_LOCKED with how long to wait, whatever the password; LOGIN_REFUSED; UNAVAILABLE
   */
  async login({ address, mark }: Caller, password: string): Promise<LoggedIn> {
    const known = this.devices.idOf(mark)
    const near = known === null ? trialKeyOf(address) : `device:${known}`
    await this.refuseTooMany(near, address)
    const isCounted = known === null && (await this.slowDown())
    const check = known === null ? this.check : this.knownCheck
    if (!(await check.isRight(password))) {
      this.log.warn('ops: a login failed', { address })
      throw new Failure('LOGIN_REFUSED', 'this is not the password')
    }
    const id = randomBytes(32).toString('base64url')
    await this.driver.begin(OPERATOR, digestOf(id), this.password, this.lastsMs)
    await Promise.all([this.driver.forgive(near, 'all'), isCounted ? this.driver.forgive(EVERYBODY, 'one') : null])
    this.log.info('ops: logged in', { address })
    return { id, endsAt: Date.now() + this.lastsMs, device: this.devices.mark(known ?? undefined) }
  }

  /** Null when the id opens nothing, or nothing any more. @throws {Failure} UNAVAILABLE */
  async find(id: string | undefined): Promise<OpenSession | null> {
    if (id === undefined || !/^[\w-]{43}$/.test(id)) return null
    const session = await this.driver.find(OPERATOR, digestOf(id))
    return session === null || session.password !== this.password ? null : { id, endsAt: session.endsAt }
  }

  /** Calm when there is none. @throws {Failure} UNAVAILABLE */
  async end(id: string): Promise<void> {
    await this.driver.end(OPERATOR, digestOf(id))
  }

  /** @throws {Failure} UNAVAILABLE */
  async endAll(): Promise<void> {
    await this.driver.endAll(OPERATOR)
    this.log.info('ops: logged out everywhere')
  }

  close(): Promise<void> {
    return this.driver.close()
  }

  private async refuseTooMany(key: string, address: string): Promise<void> {
    const waitMs = await this.driver.try([{ key, terms: NEAR }])
    if (waitMs === 0) return
    const waitS = Math.ceil(waitMs / 1000)
    this.log.warn('ops: a login has to wait', { address, wait_s: waitS })
    throw new Failure('LOGIN_LOCKED', `too many logins failed: try again in ${waitS} s`, { retryAfterS: waitS })
  }

  /** Whether it was counted; if not, it has waited as long as it has to. */
  private async slowDown(): Promise<boolean> {
    const waitMs = await this.driver.try([{ key: EVERYBODY, terms: FAR }])
    await sleep(waitMs)
    return waitMs === 0
  }
}

/** What a form of the session's pages must hold. Who does not know the session's id cannot tell it. */
export function formTokenOf({ id }: OpenSession): string {
  return createHash('sha256').update(`form ${id}`).digest('base64url')
}

function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}
