const MIME_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/

/** The type as a header; bytes of no kind where it is unknown or odd. */
export function contentType(type: string | null): string {
  return type !== null && MIME_TYPE.test(type) ? type : 'application/octet-stream'
}

/** The last segment of a media name: what a file is saved as. */
export function fileName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** A Content-Disposition (RFC 6266): the name in ASCII for old clients, and in UTF-8 (RFC 8187) where that says more. */
export function dispositionOf(name: string, shown: boolean): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_')
  const kind = `${shown ? 'inline' : 'attachment'}; filename="${ascii}"`
  return ascii === name ? kind : `${kind}; filename*=UTF-8''${extValue(name)}`
}

function extValue(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
