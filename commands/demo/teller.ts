import type { DemoAudience, DemoReport, DemoStep, StepName } from '../../src/bench/demo/steps.js'
import type { Io, Progress, Style } from '../../src/cli/io.js'
import { closingText, type NextSteps, openingText, stepText, storyText, titleText } from './telling.js'

/** Steps that take long enough to be watched. */
const WATCHED: readonly StepName[] = ['sync', 'forced']

/** Tells a demo while it goes on; with `--json` and `--quiet`, at its end. */
export class Teller implements DemoAudience {
  private readonly isLive: boolean
  private style: Style | null = null
  private step: StepName | null = null
  private progress: Progress | null = null

  constructor(
    private readonly io: Io,
    private readonly folder: string,
  ) {
    this.isLive = !io.flags.json && !io.flags.quiet
  }

  begins(step: StepName): void {
    this.step = step
    if (!this.isLive) return
    if (this.style === null) this.tell(style => openingText(this.folder, style))
    this.tell(style => titleText(step, style))
  }

  moves(done: number, total: number): void {
    if (this.step === null || !WATCHED.includes(this.step)) return
    if (this.progress === null) {
      this.progress = this.io.progress('sync', 'tenants')
      this.progress.start(total)
    }
    this.progress.update(done)
  }

  ends(step: DemoStep): void {
    this.progress?.stop()
    this.progress = null
    if (this.isLive) this.tell(style => stepText(step, style))
  }

  closes(report: DemoReport, next: NextSteps): void {
    if (this.isLive) this.tell(style => closingText(report.summary, this.folder, next, style))
    else
      this.io.print({ ...report.summary, steps: report.steps, next: next.commands, unsetFirst: next.unsetFirst }, (_, style) =>
        storyText(report, this.folder, next, style),
      )
  }

  /** The first lines go out as the command's result, because that is where the look of text is given; the others follow as they come. */
  private tell(text: (style: Style) => string): void {
    if (this.style !== null) {
      this.io.write(text(this.style))
      return
    }
    this.io.print(null, (_, style) => {
      this.style = style
      return text(style)
    })
  }
}
