import type { ApiGround } from './ground.js'

/** Statements that one request costs. Others may be sent meanwhile, as by who looks for changes: the cheapest of some requests counts. */
export async function statementsOf(ground: ApiGround, ask: () => Promise<unknown>): Promise<number> {
  const counts: number[] = []
  for (let turn = 0; turn < 5; turn++) {
    const before = ground.app.catalog.server.statements
    await ask()
    counts.push(ground.app.catalog.server.statements - before)
  }
  return Math.min(...counts)
}
