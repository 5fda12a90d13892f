import { inFolder, type RenderedFile } from './files.js'

/** Of each file where it goes and what it is. */
export function fileTable(files: readonly RenderedFile[]): string[] {
  const rows = files.map(
    ({ path, destination, about }) =>
      `| \`${path}\` | ${destination === null ? 'used from here' : `\`${destination}\``} | ${about} |`,
  )
  return ['| file | where it goes | what it is |', '|---|---|---|', ...rows]
}

export function shell(...lines: readonly string[]): string[] {
  return ['```sh', ...lines, '```']
}

/** Sections with their lines; a numbered step is a section. */
export function readme(title: string, sections: readonly (readonly [heading: string, lines: readonly string[]])[]): RenderedFile {
  const text = sections.flatMap(([heading, lines]) => [...(heading === '' ? [] : [`## ${heading}`, '']), ...lines, ''])
  return inFolder(
    'README.md',
    'what each file is, in which order it is applied, and what was checked',
    [`# ${title}`, '', ...text].join('\n'),
  )
}
