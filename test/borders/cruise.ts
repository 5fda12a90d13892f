import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cruise, type IConfiguration } from 'dependency-cruiser'
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config'

export const REPOSITORY = join(import.meta.dirname, '../..')

const configuration: IConfiguration = createRequire(import.meta.url)('../../.dependency-cruiser.cjs')

/** The names of all the rules, in the order of the file. */
export const RULES: readonly string[] = (configuration.forbidden ?? []).map(rule => rule.name ?? '')

export interface CruisedTree {
  /** Paths of our own modules that were looked at, from the root. */
  readonly modules: readonly string[]
  /** `rule: from -> to`, in path order. */
  readonly violations: readonly string[]
}

/** Holds src/ and commands/ of the tree against the rules of the repository. */
export async function cruiseTree(root: string): Promise<CruisedTree> {
  const { output } = await cruise(
    ['src', 'commands'],
    { ...configuration.options, ruleSet: { forbidden: configuration.forbidden ?? [] }, validate: true, baseDir: root },
    undefined,
    { tsConfig: extractTsConfig(join(REPOSITORY, 'tsconfig.json')) },
  )
  if (typeof output === 'string') throw new Error(`dependency-cruiser answered with text: ${output}`)
  return {
    modules: output.modules.map(module => module.source).filter(source => /^(src|commands)\//.test(source)),
    violations: output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort(),
  }
}
