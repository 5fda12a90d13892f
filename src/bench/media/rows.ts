import { type Judging, judge, looksAt, most, type Row } from '../judging.js'
import type { Copying } from './copying.js'
import { PEAK_RSS_BYTES, type Shape, targetsOf } from './load.js'
import type { MediaRound } from './round.js'

export const NO_RCLONE = 'there is no rclone on this machine to compare with'

/** Each round's figures are compared with those of rclone in the same round. */
export function rowsOf(shape: Shape, rounds: readonly MediaRound[]): Row[] {
  const { name } = shape
  const targets = targetsOf(shape)
  const ours = (figure: (one: Copying) => number | null) => rounds.map(({ feedctl }) => figure(feedctl))
  const theirs = (figure: (one: Copying) => number | null) =>
    rounds.map(({ rclone }) => (rclone === null ? null : figure(rclone)))
  const ratios = (figure: (one: Copying) => number | null) =>
    rounds.map(({ feedctl, rclone }) => {
      const [own, other] = [figure(feedctl), rclone === null ? null : figure(rclone)]
      return own === null || other === null || other === 0 ? null : own / other
    })
  const faults = [...new Set(rounds.flatMap(round => round.faults))]
  const compared = rounds.some(({ rclone }) => rclone === null) ? [...faults, NO_RCLONE] : faults
  const row = (
    metric: string,
    values: readonly (number | null)[],
    why: readonly string[],
    target: number | null = null,
    by: Judging['by'] = 'median',
  ) => judge(null, `${name}_${metric}`, looksAt(values, why), target === null ? null : most(target), { by, unmeasured: 'untold' })
  const seconds = (one: Copying) => one.wallMs / 1000
  const cpu = (one: Copying) => one.cpuS
  const peak = (one: Copying) => one.peakRssBytes
  return [
    row('wall_ratio', ratios(seconds), compared, targets.wallRatio),
    row('cpu_ratio', ratios(cpu), compared, targets.cpuRatio),
    row('peak_rss_bytes', ours(peak), faults, PEAK_RSS_BYTES, 'greatest'),
    row('feedctl_s', ours(seconds), faults),
    row('feedctl_cpu_s', ours(cpu), faults),
    row(
      'feedctl_files_per_s',
      ours(one => (shape.files * 1000) / one.wallMs),
      faults,
    ),
    row('rclone_s', theirs(seconds), compared),
    row('rclone_cpu_s', theirs(cpu), compared),
    row('rclone_peak_rss_bytes', theirs(peak), compared, null, 'greatest'),
  ]
}
