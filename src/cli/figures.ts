const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })

/** `12,345`; at most one decimal. */
export function count(value: number): string {
  return grouped.format(value)
}

/** `1 feed`, `2 feeds`, `0 feeds`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Milliseconds as `35 ms`, `1.2 s`, `2 min 05 s`, `3 h 10 min`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
  const hours = Math.round(minutes / 60)
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** Bytes as `512 B`, `1.5 kB`, `24.0 MB`: powers of 1,000. */
export function bytes(value: number): string {
  const units = ['kB', 'MB', 'GB', 'TB']
  if (value < 1000) return `${value} B`
  let scaled = value / 1000
  let unit = 0
  while (scaled >= 999.95 && unit < units.length - 1) {
    scaled /= 1000
    unit++
  }
  return `${scaled.toFixed(1)} ${units[unit]}`
}
