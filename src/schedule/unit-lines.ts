/** A path or word as a line of a unit takes it. */
const PLAIN = /^[\w./:@%+,=$-]+$/

export interface Confinement {
  /** Who it runs as. */
  readonly runAs: string
  /** The folder it works in. */
  readonly folder: string
  /** The only one that it may write. */
  readonly data: string
  /** What it must see, null for what there is not: /tmp stays as it is when one is there. */
  readonly paths: readonly (string | null)[]
}

/** Of every unit, those of a user too. */
export function commonLines(folder: string): string[] {
  return [
    `WorkingDirectory=${escaped(folder)}`,
    'UMask=0027',
    'NoNewPrivileges=yes',
    'LockPersonality=yes',
    'RestrictRealtime=yes',
  ]
}

/** What no unit of feedctl touches, whatever it does. */
export const WALL_LINES: readonly string[] = [
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
  'RestrictNamespaces=yes',
  'RestrictSUIDSGID=yes',
  'SystemCallArchitectures=native',
]

/** Where a unit of the machine runs, as whom, and what it cannot touch. V8 compiles while it runs: memory must stay executable. */
export function confinementLines({ runAs, folder, data, paths }: Confinement): string[] {
  return [
    `User=${runAs}`,
    ...commonLines(folder),
    'ProtectSystem=strict',
    `ReadWritePaths=${unitWord(`-${data}`)}`,
    'ProtectHome=read-only',
    ...(paths.some(path => path !== null && /^(unix:\/\/)?\/(var\/)?tmp(\/|$)/.test(path)) ? [] : ['PrivateTmp=yes']),
    ...WALL_LINES,
    // Root without them could not write what is another's.
    ...(runAs === 'root' ? [] : ['CapabilityBoundingSet=']),
  ]
}

/** Beyond the drain: handing back, ending workers that heed nothing, the report. */
const STOP_MARGIN_S = 20

/** A stopping process drains before it ends. */
export function stopLine(drainMs: number): string {
  return `TimeoutStopSec=${Math.ceil(drainMs / 1000) + STOP_MARGIN_S}`
}

/** Sections with their lines. */
export function unitText(head: string, sections: Readonly<Record<string, readonly string[]>>): string {
  const text = Object.entries(sections).map(([title, lines]) => `[${title}]\n${lines.map(line => `${line}\n`).join('')}`)
  return `${head}\n${text.join('\n')}`
}

/** A command line of a unit. */
export function unitCommand(words: readonly string[]): string {
  return words.map(text => unitWord(text).replaceAll('$', '$$$$')).join(' ')
}

function unitWord(text: string): string {
  const plain = escaped(text)
  return PLAIN.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`
}

/** A % begins what systemd fills in. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%')
}
