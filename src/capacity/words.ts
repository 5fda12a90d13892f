/** `1 tenant`, `1,200 tenants`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}

const figures = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 })

/** `12,345`; at most one decimal. */
export function grouped(value: number): string {
  return figures.format(value)
}

const cents = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })

/** `1,200`, `6.99`, `9.50`. */
export function money(value: number): string {
  return Number.isInteger(value) ? grouped(value) : cents.format(value)
}

/** `2026-11-30` */
export function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
