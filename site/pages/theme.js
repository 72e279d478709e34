// The light and the dark theme of all pages. A classic script in the head, because
// modules run after the page is parsed: a theme that is set before the first paint does
// not flash.

{
  const root = document.documentElement
  const system = matchMedia('(prefers-color-scheme: dark)')
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches)

  try {
    const chosen = localStorage.getItem('vitrine-theme')
    if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen
  } catch {
    // Storage is refused: the theme is the system's.
  }

  addEventListener('DOMContentLoaded', () => {
    const button = document.querySelector('#theme')
    const show = () => {
      button.setAttribute('aria-pressed', String(isDark()))
      document.dispatchEvent(new Event('themechange')) // for what is painted in its colours
    }
    button.addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark'
      try {
        localStorage.setItem('vitrine-theme', root.dataset.theme)
      } catch {
        // Storage is refused: the choice holds for this visit.
      }
      show()
    })
    system.addEventListener('change', show)
    show()
  })
}
