/** Where a benchmark says how it goes; the terminal fits. */
export interface Watcher {
  note(line: string): void
  progress(name: string, unit?: string): { start(total: number): void; update(done: number): void; stop(): void }
}
