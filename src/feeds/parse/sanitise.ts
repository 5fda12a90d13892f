import sanitizeHtml from 'sanitize-html'

/** In the order of how often they occur: the list is searched from its start for every tag. */
const TAGS = (
  'p a br img div span em strong li ul h2 h3 b i blockquote code pre ol h1 h4 h5 h6 td tr th table tbody thead figure figcaption hr sub sup ' +
  'small u s del ins abbr cite q mark time dl dt dd kbd samp var tt strike tfoot caption col colgroup details summary dfn ruby rt rp wbr'
).split(' ')

const MAX_NESTING = 200

const OPTIONS: sanitizeHtml.IOptions = {
  allowedTags: TAGS,
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title', 'width', 'height', 'loading'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan'],
    ol: ['start'],
    abbr: ['title'],
    time: ['datetime'],
  },
  allowedSchemes: ['http', 'https'],
  allowedSchemesByTag: { a: ['http', 'https', 'mailto'] },
  allowedSchemesAppliedToAttributes: ['href', 'src'],
  allowProtocolRelative: false,
  nonTextTags: [
    'script',
    'style',
    'textarea',
    'option',
    'xmp',
    'noscript',
    'iframe',
    'object',
    'svg',
    'math',
    'template',
    'title',
  ],
  nestingLimit: MAX_NESTING,
  parseStyleAttributes: false,
  exclusiveFilter: frame => frame.tag === 'img' && (frame.attribs.src === undefined || isTrackingPixel(frame.attribs)),
}

/** Safe HTML: text tags, links that pass on nothing, images. Relative links and images are resolved against `base`. */
export function sanitise(html: string, base: string): string {
  if (!/[<>&]/.test(html)) return html.trim()
  return sanitizeHtml(html, {
    ...OPTIONS,
    transformTags: {
      a: (tagName, attribs) => {
        const { href, title } = attribs
        const link: sanitizeHtml.Attributes = {}
        if (href !== undefined) Object.assign(link, { href: absolute(href, base), rel: 'noopener noreferrer nofollow' })
        if (title !== undefined) link.title = title
        return { tagName, attribs: link }
      },
      img: (tagName, attribs) => {
        const { src, ...rest } = attribs
        return { tagName, attribs: src === undefined ? {} : { src: absolute(src, base), ...rest, loading: 'lazy' } }
      },
    },
  }).trim()
}

/** HTML as one line of plain text: tags gone, entities decoded, white space folded. */
export function plainText(html: string): string {
  const bare = /<|&[#a-z]/i.test(html) ? decoded(sanitizeHtml(html, { allowedTags: [], allowedAttributes: {} })) : html
  return bare.replace(/\s+/g, ' ').trim()
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** The four entities that sanitize-html writes. */
function decoded(escaped: string): string {
  return escaped.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}

/** The reference itself when it is no URL: it is then judged as it is. */
function absolute(reference: string, base: string): string {
  const bare = reference.trim()
  if (/^https?:\/\/[^\s\\]+$/i.test(bare)) return bare
  return URL.canParse(bare, base) ? new URL(bare, base).href : bare
}

function isTrackingPixel({ width, height }: sanitizeHtml.Attributes): boolean {
  const isDot = (size: string | undefined) => size !== undefined && /^\s*[01](px)?\s*$/.test(size)
  return isDot(width) || isDot(height)
}
