import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RenderedFile } from '../../src/infra/files.js'
import { renderFiles } from '../../src/infra/render.js'
import { temporaryFolder } from '../support/folders.js'
import { described, put } from './ground.js'

/** Terraform's own reader of HCL; its types bring those of browsers along. */
const { parse } = createRequire(import.meta.url)('@cdktf/hcl2json') as { parse(name: string, text: string): Promise<unknown> }

type Tree = { readonly [key: string]: unknown }

const DESCRIPTIONS: [string, object][] = [
  ['all there is', {}],
  ['no CDN', { names: { media: null } }],
  ['no media', { names: { media: null }, media: null }],
  [
    'one region',
    {
      enterprise: {
        regions: [
          { name: 'one-two', aws: 'eu-west-1', pod_cidr: '10.1.0.0/16', vpc_cidr: '10.1.0.0/16', hosts: [{ name: 'default' }] },
        ],
      },
    },
  ],
]

const terraformOf = (value: object) => renderFiles('enterprise', described(value)).filter(({ path }) => path.endsWith('.tf'))

/** What the files of each folder declare, and what they refer to. */
async function foldersOf(files: readonly RenderedFile[]) {
  const folders = new Map<string, { declared: Set<string>; used: string[]; tree: Tree[] }>()
  for (const { path, text } of files) {
    const folder = folders.get(dirname(path)) ?? { declared: new Set<string>(), used: [], tree: [] }
    const tree = (await parse(path, text)) as Tree
    for (const name of declaredIn(tree)) folder.declared.add(name)
    // Words in a sentence are no references: a comment ends with its line.
    const code = text.replaceAll(/#.*$/gm, '')
    folder.used.push(
      ...[...code.matchAll(/(?<![\w."/-])((?:var|local|module|data\.[a-z_]+|aws_[a-z_0-9]+|random_[a-z_]+)\.[a-z_][\w-]*)/g)].map(
        ([, name = '']) => name,
      ),
    )
    folder.tree.push(tree)
    folders.set(dirname(path), folder)
  }
  return folders
}

function declaredIn(tree: Tree): string[] {
  const keys = (kind: string) => Object.keys((tree[kind] ?? {}) as Tree)
  const pairs = (kind: string, start: string) =>
    Object.entries((tree[kind] ?? {}) as Tree).flatMap(([type, named]) =>
      Object.keys(named as Tree).map(name => `${start}${type}.${name}`),
    )
  const locals = ((tree.locals ?? []) as Tree[]).flatMap(one => Object.keys(one).map(name => `local.${name}`))
  const providers = ((tree.provider as Tree | undefined)?.aws ?? []) as { alias?: string }[]
  return [
    ...keys('variable').map(name => `var.${name}`),
    ...keys('module').map(name => `module.${name}`),
    ...pairs('resource', ''),
    ...pairs('data', 'data.'),
    ...locals,
    ...providers.map(({ alias }) => `aws.${alias}`),
  ]
}

describe.each(DESCRIPTIONS)('the HCL for %s', (_what, value) => {
  test('is read as HCL, and refers to nothing that is not declared', async () => {
    const folders = await foldersOf(terraformOf(value))
    const unknown = [...folders].flatMap(([folder, { declared, used }]) =>
      used.filter(name => !declared.has(name)).map(name => `${folder}: ${name}`),
    )
    expect(unknown).toEqual([])
    expect([...folders.values()].reduce((sum, { used }) => sum + used.length, 0)).toBeGreaterThan(40)
  })

  test('gives every module the variables that it has, and no other, and asks for outputs that it has', async () => {
    const files = terraformOf(value)
    const folders = await foldersOf(files)
    const root = folders.get('terraform')
    const modules = Object.entries(
      Object.assign({}, ...(root?.tree ?? []).map(tree => tree.module ?? {})) as Record<string, Tree[]>,
    )
    expect(modules.length).toBeGreaterThan(1)
    for (const [name, [call = {}]] of modules) {
      const of = folders.get(`terraform/${String(call.source).slice(2)}`)
      const variables = [...(of?.declared ?? [])].filter(one => one.startsWith('var.')).map(one => one.slice(4))
      const given = Object.keys(call).filter(key => !['source', 'providers'].includes(key))
      expect([name, given.sort()]).toEqual([name, variables.sort()])
      const outputs = Object.keys(Object.assign({}, ...(of?.tree ?? []).map(tree => tree.output ?? {})) as Tree)
      const text = files
        .filter(({ path }) => dirname(path) === 'terraform')
        .map(file => file.text)
        .join('\n')
      const asked = [...text.matchAll(new RegExp(`module\\.${name}\\.(\\w+)`, 'g'))].map(([, output]) => output)
      expect(asked.filter(output => !outputs.includes(output ?? ''))).toEqual([])
    }
  })

  test.runIf(spawnSync('terraform', ['version']).status === 0)('is as terraform itself would write it', () => {
    const folder = temporaryFolder()
    for (const file of terraformOf(value)) put(folder, file)
    const { status, stdout } = spawnSync('terraform', ['fmt', '-check', '-diff', '-recursive', folder], { encoding: 'utf8' })
    expect([status, stdout]).toEqual([0, ''])
  })
})

test('a reference that leads nowhere is found', async () => {
  const files = terraformOf({}).map(file => ({
    ...file,
    text: file.text.replaceAll('aws_security_group.redis.id', 'aws_security_group.rediss.id'),
  }))
  const folders = await foldersOf(files)
  const home = folders.get('terraform/modules/home')
  expect(home?.used.filter(name => !home.declared.has(name))).toContain('aws_security_group.rediss')
})

test('no secret and no fixed password is in it', () => {
  const text = terraformOf({})
    .map(file => file.text)
    .join('\n')
  expect(text.match(/^\s*(password|auth_token|secret_string)\s*=\s*"/gm)).toBeNull()
  // RDS refuses replicas of an instance whose master it manages itself.
  expect(text).not.toContain('manage_master_user_password')
  expect(text).toMatch(/^ {2}password += random_password\.masters\[each\.key\]\.result$/m)
})
