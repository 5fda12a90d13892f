const SVG = 'http://www.w3.org/2000/svg'

/**
 * An element. What comes from the installation is hostile, so texts are only ever set as text.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null>} attributes `text` is its text; null leaves one out
 * @param {readonly (Node | string | null)[]} children
 */
export function el(tag, attributes = {}, children = []) {
  return fill(document.createElement(tag), attributes, children)
}

export function svg(tag, attributes = {}, children = []) {
  return fill(document.createElementNS(SVG, tag), attributes, children)
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue
    if (name === 'text') element.textContent = String(value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...children.filter(child => child !== null))
  return element
}

/** Puts the text there, if it is another one: what did not change keeps its selection. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

const shown = new Map()

/** Draws the part of the page anew when what it shows has changed since it was drawn last. */
export function draw(id, facts, make) {
  const key = JSON.stringify(facts)
  if (shown.get(id) === key) return
  shown.set(id, key)
  document.getElementById(id).replaceChildren(...make(facts).filter(child => child !== null))
}

/** A bar, filled so far: a share from 0 to 1. */
export function bar(share, kind, label) {
  const fill = el('span', { class: 'fill' })
  fill.style.inlineSize = `${Math.max(0, Math.min(1, share)) * 100}%`
  const percent = Math.round(share * 100)
  const attributes = {
    role: 'progressbar',
    'aria-label': label,
    'aria-valuemin': 0,
    'aria-valuemax': 100,
    'aria-valuenow': percent,
  }
  return el('div', { class: 'bar', 'data-kind': kind, ...attributes }, [fill])
}

/** What there is to say where there is nothing. */
export function nothing(words, more = null) {
  return el('div', { class: 'nothing' }, [
    el('p', { text: words }),
    more === null ? null : el('p', { class: 'muted', text: more }),
  ])
}

export function facts(pairs) {
  return el(
    'dl',
    { class: 'facts' },
    pairs.map(([name, value, title = null]) =>
      el('div', {}, [el('dt', { text: name }), el('dd', { title }, [value instanceof Node ? value : String(value)])]),
    ),
  )
}

/**
 * A table that is a list of cards on a phone.
 * @param {string} label what it is of
 * @param {readonly { name: string, of: (row: any) => Node | string, kind?: string }[]} columns
 */
export function table(label, columns, rows) {
  const head = columns.map(({ name, kind }) => el('th', { scope: 'col', role: 'columnheader', class: kind ?? null, text: name }))
  const body = rows.map(row =>
    el(
      'tr',
      { role: 'row' },
      columns.map(({ name, of, kind }, place) =>
        el(
          place === 0 ? 'th' : 'td',
          { scope: place === 0 ? 'row' : null, role: place === 0 ? 'rowheader' : 'cell', class: kind ?? null, 'data-name': name },
          [of(row)],
        ),
      ),
    ),
  )
  return el('table', { role: 'table', 'aria-label': label }, [
    el('thead', { role: 'rowgroup' }, [el('tr', { role: 'row' }, head)]),
    el('tbody', { role: 'rowgroup' }, body),
  ])
}
