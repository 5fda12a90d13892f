import { openApp } from '../../app.js'
import type { Config } from '../../kernel/config.js'
import type { Log } from '../../kernel/log.js'
import { spawnFeedServer } from '../feed-server/spawn.js'
import { HEALTHY_POSTS, HEALTHY_SOURCES, TENANTS } from './cast.js'
import { type DemoFolder, folderBytes, takeFolder } from './folder.js'
import { type DemoPlan, planDemo } from './plan.js'
import { createCast, describeServer, publish, syncAgain, syncFirst, syncForced } from './scenes.js'
import { settleSettings } from './settings.js'
import { countPosts } from './stage.js'
import type { DemoAudience, DemoReport, DemoStep, DemoSummary, StepFacts, StepName } from './steps.js'

const SERVER = { seed: 7, items: HEALTHY_POSTS, itemBytes: 1200, spread: 12 }

export interface DemoOptions {
  /** Absolute. */
  readonly folder: string
  readonly log: Log
  readonly signal: AbortSignal
  readonly audience: DemoAudience
}

/**
 * Plays the main job on the embedded drivers, with a feed server of its own, in a folder of its own, and leaves the folder.
 * A claim that does not hold is in the report, and stops nothing.
 * @throws {Failure} FOLDER_TAKEN, LOCKED before anything is touched; the signal's reason
 */
export async function playDemo(options: DemoOptions): Promise<DemoReport> {
  const begun = performance.now()
  options.signal.throwIfAborted()
  await using folder = await takeFolder(options.folder)
  try {
    const config = await settleSettings(folder)
    const plan = planDemo()
    const { steps, posts } = await playSteps(plan, config, options)
    return { steps, summary: await sumUp(plan, steps, posts, folder, begun) }
  } catch (error) {
    // Ctrl-C reaches the feed server too: what failed for its absence was interrupted.
    options.signal.throwIfAborted()
    throw error
  }
}

async function playSteps(plan: DemoPlan, config: Config, options: DemoOptions): Promise<{ steps: DemoStep[]; posts: number }> {
  const { signal, audience, log } = options
  const steps: DemoStep[] = []
  const end = (begun: number, facts: StepFacts) => {
    signal.throwIfAborted()
    const step = { ...facts, durationMs: Math.round(performance.now() - begun) }
    steps.push(step)
    audience.ends(step)
  }
  const play = async (name: StepName, scene: () => Promise<StepFacts>) => {
    audience.begins(name)
    const begun = performance.now()
    end(begun, await scene())
  }
  audience.begins('serve')
  const begun = performance.now()
  await using server = await spawnFeedServer(SERVER)
  await server.prepare(1, HEALTHY_SOURCES)
  end(begun, describeServer(server, plan))
  await using app = await openApp(config, log)
  const stage = { plan, server, app, signal, audience, jobs: await app.jobs(signal) }
  await play('create', () => createCast(stage))
  await play('sync', () => syncFirst(stage))
  await play('again', () => syncAgain(stage))
  await play('forced', () => syncForced(stage))
  await play('publish', () => publish(stage))
  return { steps, posts: await countPosts(stage) }
}

async function sumUp(
  plan: DemoPlan,
  steps: readonly DemoStep[],
  posts: number,
  folder: DemoFolder,
  begun: number,
): Promise<DemoSummary> {
  const checks = steps.flatMap(step => step.checks)
  const feeds = plan.reading.flat().length
  return {
    tenants: TENANTS.length,
    feeds,
    sources: plan.sources.length,
    requestsSaved: feeds - plan.sources.length,
    posts,
    folder: folder.path,
    envFile: folder.envFile,
    folderBytes: await folderBytes(folder.path),
    checks: { total: checks.length, failed: checks.filter(check => !check.holds).length },
    durationMs: Math.round(performance.now() - begun),
  }
}
