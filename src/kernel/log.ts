export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Facts of one log line. Never secrets, tokens or whole payloads. */
export type LogFacts = Readonly<Record<string, string | number | boolean | null>>

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 }

/** Lines for the operator: `2026-01-01T00:00:00.000Z warn words key=value`. */
export class Log {
  constructor(
    private readonly write: (line: string) => void,
    private level: LogLevel = 'warn',
    private readonly now: () => number = Date.now,
  ) {}

  setLevel(level: LogLevel): void {
    this.level = level
  }

  debug(words: string, facts?: LogFacts): void {
    this.line('debug', words, facts)
  }

  info(words: string, facts?: LogFacts): void {
    this.line('info', words, facts)
  }

  warn(words: string, facts?: LogFacts): void {
    this.line('warn', words, facts)
  }

  error(words: string, facts?: LogFacts): void {
    this.line('error', words, facts)
  }

  private line(level: LogLevel, words: string, facts: LogFacts = {}): void {
    if (RANK[level] < RANK[this.level]) return
    const pairs = Object.entries(facts).map(
      ([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`,
    )
    this.write(`${new Date(this.now()).toISOString()} ${level} ${words}${pairs.join('')}`)
  }
}
