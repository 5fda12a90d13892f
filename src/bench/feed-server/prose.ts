import { Random } from './random.js'
import { ADJECTIVES, HOSTS, NOUNS, PLACES, SUBJECTS, TAILS, TITLES, VERBS } from './words.js'

const SENTENCE_COUNT = 4000

interface Sentence {
  readonly text: string
  readonly escaped: string
  /** Escaped, and most of them with a link or an emphasis. */
  readonly html: string
}

let bank: readonly Sentence[] | null = null

/** A headline in plain text. */
export function headline(random: Random): string {
  const title = random.pick(TITLES).replace('%', `the ${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`)
  return title.charAt(0).toUpperCase() + title.slice(1)
}

/** One plain sentence. */
export function sentence(random: Random): string {
  return random.pick(sentences()).text
}

/**
 * HTML of a blog post, about `bytes` long and at least one sentence: paragraphs with links and emphasis, one figure,
 * now and then a list or a quotation. About 16 elements per 1,500 bytes.
 */
export function article(random: Random, bytes: number, picture: string): string {
  const figureAfter = random.below(2)
  let html = paragraph(random, bytes)
  for (let block = 0; html.length < bytes - 160; block++) {
    if (block === figureAfter) html += figure(random, picture)
    else if (random.below(5) === 0) html += list(random)
    else if (random.below(9) === 0) html += `\n<blockquote>${paragraph(random, 200).trim()}</blockquote>`
    else html += paragraph(random, bytes - html.length)
  }
  return html.trim()
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** Escaped, with typographic quotes as numeric references, as WordPress writes them. */
export function texturize(text: string): string {
  return escapeXml(text).replaceAll('’', '&#8217;').replaceAll('“', '&#8220;').replaceAll('”', '&#8221;')
}

function paragraph(random: Random, room: number): string {
  const all = sentences()
  let html = random.pick(all).html
  for (let more = 1 + random.below(3); more > 0 && html.length + 100 < room; more--) html += ` ${random.pick(all).html}`
  return `\n<p>${html}</p>`
}

function figure(random: Random, picture: string): string {
  const { escaped } = random.pick(sentences())
  return `\n<figure><img src="${picture}" alt="${escaped}" width="800" height="533" /></figure>`
}

function list(random: Random): string {
  let html = '\n<ul>'
  for (let rows = 2 + random.below(3); rows > 0; rows--) html += `<li>${random.pick(sentences()).escaped}</li>`
  return `${html}</ul>`
}

function sentences(): readonly Sentence[] {
  bank ??= makeSentences()
  return bank
}

function makeSentences(): readonly Sentence[] {
  const random = new Random(SENTENCE_COUNT)
  return Array.from({ length: SENTENCE_COUNT }, (_, index) => {
    const subject = random.pick(SUBJECTS)
    const opening = `${subject.charAt(0).toUpperCase()}${subject.slice(1)} ${random.pick(VERBS)} the`
    const object = `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`
    const ending = ` ${random.pick(PLACES)}${random.pick(TAILS)}.`
    const text = `${opening} ${object}${ending}`
    return {
      text,
      escaped: texturize(text),
      html: `${texturize(opening)} ${mark(random, index, texturize(object))}${texturize(ending)}`,
    }
  })
}

function mark(random: Random, index: number, words: string): string {
  const turn = index % 8
  if (turn < 3) return `<a href="https://${random.pick(HOSTS)}.example/archive/${random.below(90_000)}">${words}</a>`
  if (turn < 5) return `<em>${words}</em>`
  if (turn === 5) return `<strong>${words}</strong>`
  return turn === 6 ? `<code>${words}</code>` : words
}
