export const utf8 = (text: string) => new TextEncoder().encode(text)
export const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
export const utf16le = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le'))
export const utf16be = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le').swap16())

export const utf32 = (text: string, order: 'le' | 'be') => {
  const points = Array.from(text, character => character.codePointAt(0) ?? 0)
  const bytes = new DataView(new ArrayBuffer(points.length * 4))
  for (const [index, point] of points.entries()) bytes.setUint32(index * 4, point, order === 'le')
  return new Uint8Array(bytes.buffer)
}

/** A feed around the bytes of a title. */
export const feedOf = (title: Uint8Array, declaration = '<?xml version="1.0"?>') =>
  Buffer.concat([
    Buffer.from(`${declaration}<rss version="2.0"><channel><title>News</title><item><title>`),
    title,
    Buffer.from('</title><link>https://a.example/1</link></item></channel></rss>'),
  ])
