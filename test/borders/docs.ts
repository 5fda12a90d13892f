import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { createProgram, type Program } from '../../commands/program.js'
import { WORDS } from '../../commands/words.js'
import { SETTINGS } from '../../src/kernel/settings.js'
import { createTestTerminal } from '../support/cli.js'

export interface Page {
  /** From the root of the tree, with `/`. */
  readonly path: string
  readonly text: string
}

/** What was found wrong, in words, and how many things were looked at. */
export interface Findings {
  readonly looked: number
  readonly faults: readonly string[]
}

/** README.md, CHANGELOG.md and everything in docs/, in path order. */
export function readPages(root: string): Page[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.md'))
  const paths = ['README.md', 'CHANGELOG.md', ...docs.map(name => `docs/${name}`)].sort()
  return paths.map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Every word's commands, as they are typed. */
export async function loadCommands(): Promise<Program> {
  const program = createProgram()
  const { terminal } = createTestTerminal({ cwd: '/' })
  for (const word of Object.values(WORDS)) (await word.load()).register(program, terminal, async () => program)
  return program
}

/** The text under a heading of the second rank, up to the next one; empty where there is none. */
export function sectionOf(text: string, title: string): string {
  return (
    text
      .split(/^## /m)
      .slice(1)
      .find(section => section.split('\n', 1)[0] === title) ?? ''
  )
}

/** The rows of the text's tables as their cells, heads excepted. */
export function tableRows(text: string): string[][] {
  const lines = text.split('\n')
  return lines
    .filter((line, index) => line.startsWith('|') && !/^\|[-|: ]+$/.test(line) && !/^\|[-|: ]+$/.test(lines[index + 1] ?? ''))
    .map(line => line.replace(/^\||\|$/g, '').split('|'))
    .map(cells => cells.map(cell => cell.trim()))
}

/** Rows of the settings table that no setting gives, and settings that no row shows. */
export function settingFaults(readme: string): Findings {
  const shown = tableRows(sectionOf(readme, 'Settings')).map(cells => cells.join(' | '))
  const wanted = Object.values(SETTINGS).map(setting => `\`${setting.env}\` | ${defaultWords(setting)} | ${setting.doc}`)
  return {
    looked: shown.length,
    faults: [
      ...shown.filter(row => !wanted.includes(row)).map(row => `no setting: ${row}`),
      ...wanted.filter(row => !shown.includes(row)).map(row => `not shown: ${row}`),
      ...shown.filter((row, index) => shown.indexOf(row) < index).map(row => `shown twice: ${row}`),
    ],
  }
}

/** Rows of tables that name a test, as a file under `test/` and words of its name, where there is no such test. */
export function proofFaults(root: string, page: Page): Findings {
  const named = tableRows(page.text).flatMap(([, file = '', name = '']) => {
    const path = /^`([\w/.-]+\.test\.ts)`$/.exec(file)?.[1]
    return path === undefined ? [] : [{ path, name }]
  })
  const missing = named.filter(({ path, name }) => {
    const at = join(root, 'test', path)
    return name === '' || !existsSync(at) || !readFileSync(at, 'utf8').includes(name)
  })
  return { looked: named.length, faults: missing.map(({ path, name }) => `${page.path}: no test "${name}" in ${path}`) }
}

function defaultWords(setting: (typeof SETTINGS)[keyof typeof SETTINGS]): string {
  if ('secret' in setting) return 'secret'
  const fallback = setting.default
  return fallback === null || (Array.isArray(fallback) && fallback.length === 0) ? 'none' : `\`${String(fallback)}\``
}

/** Rows of the table of exit statuses that nothing ends with, and statuses that no row shows. */
export function statusFaults(readme: string, statuses: readonly number[]): Findings {
  const shown = tableRows(sectionOf(readme, 'Exit statuses')).map(([status = '']) => status)
  const wanted = statuses.map(String)
  return {
    looked: shown.length,
    faults: [
      ...shown.filter(status => !wanted.includes(status)).map(status => `nothing ends with ${status}`),
      ...wanted.filter(status => !shown.includes(status)).map(status => `not shown: ${status}`),
    ],
  }
}

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g

/** Links that lead to no file, or to no heading of it; those to the web are not followed. */
export function linkFaults(root: string, page: Page): Findings {
  const prose = page.text.replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, '')
  const links = [...prose.matchAll(LINK)].map(match => match[1] ?? '').filter(link => !/^[a-z]+:/i.test(link))
  const isLost = (link: string) => {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page.path : normalize(join(dirname(page.path), path))
    if (target.startsWith('..') || !existsSync(join(root, target))) return true
    return anchor !== undefined && !anchorsOf(readFileSync(join(root, target), 'utf8')).includes(anchor)
  }
  return { looked: links.length, faults: links.filter(isLost).map(link => `${page.path}: ${link} leads nowhere`) }
}

function anchorsOf(text: string): string[] {
  const titles = [...text.matchAll(/^#+ (.+)$/gm)].map(match => match[1] ?? '')
  return titles.map(title =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Pages of a folder that its README does not link. */
export function unlistedPages(folder: string): Findings {
  const text = readFileSync(join(folder, 'README.md'), 'utf8')
  const listed = [...text.matchAll(LINK)].map(match => match[1])
  const pages = readdirSync(folder).filter(name => name !== 'README.md')
  return { looked: pages.length, faults: pages.filter(name => !listed.includes(name)).map(name => `${name} is not listed`) }
}
