import { describe, expect, it } from 'vitest'
import { sanitise } from '../../../src/feeds/parse/sanitise.js'
import { faultsOf } from './xss/allowed.js'
import { ELEMENT_VECTORS } from './xss/elements.js'
import { MUTATION_VECTORS } from './xss/mutation.js'
import { URL_VECTORS } from './xss/urls.js'

const BASE = 'https://site.example/dir/post'

/** Where a URL may stand, in the ways that attributes are quoted. */
const PLACES = [
  (url: string) => `<a href="${url}">x</a>`,
  (url: string) => `<a href='${url}'>x</a>`,
  (url: string) => `<a href=${url}>x</a>`,
  (url: string) => `<img src="${url}" alt="x">`,
  (url: string) => `<img src="data:," data-src="${url}" alt="x">`,
  (url: string) => `<img srcset="${url} 1x" alt="x">`,
  (url: string) => `<video src="${url}" poster="${url}"><source src="${url}" type="video/mp4"></video>`,
  (url: string) => `<audio><source src="${url}"></audio>`,
  (url: string) => `<iframe src="${url}"></iframe>`,
]

/** Surroundings in which parsers read the same bytes in other ways. */
const SURROUNDINGS = [
  (html: string) => html,
  (html: string) => `<p>before ${html} after</p>`,
  (html: string) => `<table><tr><td>${html}</td></tr></table>`,
  (html: string) => `<table>${html}</table>`,
  (html: string) => `<a href="https://a.example/">${html}</a>`,
  (html: string) => `<svg>${html}</svg>${html}`,
  (html: string) => `<math><mtext>${html}</mtext></math>`,
  (html: string) => `<math><mtext><mglyph><style>${html}</style></mglyph></mtext></math>`,
  (html: string) => `<noscript>${html}</noscript>`,
  (html: string) => `<select><option>${html}</option></select>`,
  (html: string) => `<template>${html}</template>${html}`,
  (html: string) => `<video>${html}</video>`,
  (html: string) => `<!-- ${html} -->${html}`,
  (html: string) => `<![CDATA[${html}]]>`,
  (html: string) => `<abbr title="${html}">x</abbr>`,
  (html: string) => `<img src="https://a.example/x" alt='${html}'>`,
  (html: string) => `<pre>${html}`,
]

function disarms(html: string): void {
  const safe = sanitise(html, BASE)
  expect(faultsOf(safe), html).toEqual([])
  expect(sanitise(safe, BASE), html).toBe(safe)
}

const ALL = [...Object.values(ELEMENT_VECTORS), ...Object.values(MUTATION_VECTORS)].flat()

describe.each([...Object.entries(ELEMENT_VECTORS), ...Object.entries(MUTATION_VECTORS)])('%s', (_group, vectors) => {
  it.each(vectors)('%j leaves nothing but what is allowed, wherever it stands', vector => {
    for (const surround of SURROUNDINGS) disarms(surround(vector))
  })
})

describe.each(Object.entries(URL_VECTORS))('%s', (_group, vectors) => {
  it.each(vectors)('%j leads to http, https or a mailbox, or nowhere', vector => {
    for (const place of PLACES) disarms(place(vector))
  })
})

describe('the vectors', () => {
  it('are many, and each is another', () => {
    const every = [...ALL, ...Object.values(URL_VECTORS).flat()]
    expect(new Set(every).size).toBe(every.length)
    expect(every.length).toBeGreaterThan(400)
  })

  it('are caught by the check itself when nobody sanitises them', () => {
    const passed = ALL.filter(vector => faultsOf(vector).length === 0)
    const isHarmlessAsItIs = (vector: string) =>
      !vector.includes('<') || /^<(?:abbr|time) [a-z]+="[^"<>]*">x<\/\w+>$/.test(vector)
    expect(passed.filter(vector => !isHarmlessAsItIs(vector))).toEqual([])
    expect(passed.length).toBeLessThan(ALL.length / 20)
  })

  it('are as harmless when they are cut and joined at random', () => {
    const random = seeded(20_260_101)
    const pick = () => ALL[Math.floor(random() * ALL.length)] ?? ''
    for (let round = 0; round < 20_000; round++) {
      const [one, two, three] = [pick(), pick(), pick()]
      const cut = one.slice(0, Math.ceil(random() * one.length)) + two.slice(Math.floor(random() * two.length))
      disarms(random() < 0.5 ? cut : cut + three.slice(Math.floor(random() * three.length)))
    }
  })
})

/** mulberry32: the same numbers on every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
