import { byId } from './dom.js'

/**
 * Lets the visitor choose light or dark; the choice is remembered in this browser.
 * (theme.js sets it before the first paint.)
 * @param {() => void} changed called when the colours have changed
 */
export function enableThemes(changed) {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const button = byId('theme')
  const root = document.documentElement
  const isDark = () => root.dataset.theme ? root.dataset.theme === 'dark' : system.matches
  const show = () => {
    button.setAttribute('aria-pressed', String(isDark()))
    changed()
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
}
