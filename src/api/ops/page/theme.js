// Not a module: it must have run before anything is painted.
;(() => {
  const KEY = 'feedctl.theme'
  const CHOICES = ['auto', 'light', 'dark']

  const read = () => {
    try {
      const kept = localStorage.getItem(KEY)
      return CHOICES.includes(kept) ? kept : 'auto'
    } catch {
      return 'auto'
    }
  }

  const keep = choice => {
    try {
      localStorage.setItem(KEY, choice)
    } catch {
      // Nothing can be kept here: the choice is for this page only.
    }
  }

  let choice = read()
  const show = button => {
    document.documentElement.dataset.theme = choice
    if (button === null) return
    button.textContent = `Theme: ${choice}`
  }

  show(null)
  addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme')
    if (button === null) return
    show(button)
    button.addEventListener('click', () => {
      choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]
      keep(choice)
      show(button)
    })
  })
})()
