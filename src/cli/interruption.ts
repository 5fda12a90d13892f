import { Failure } from '../kernel/errors.js'

/** Why a command ended early: a signal asked for it. */
export class Interruption extends Failure {
  constructor(private readonly signalName: 'SIGINT' | 'SIGTERM') {
    super('INTERRUPTED', `interrupted by ${signalName}`)
  }

  /** 128 plus the signal's number, as a shell has it. */
  override get exit(): number {
    return this.signalName === 'SIGINT' ? 130 : 143
  }
}
