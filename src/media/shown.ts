/** What a browser can show without running any of it; SVG is not among it. */
const SHOWN = /^(image\/(png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+)$/

/** Whether the type may be shown in place: everything else is only ever saved. `type`: null when unknown. */
export function isShown(type: string | null): boolean {
  return type !== null && SHOWN.test(type)
}
