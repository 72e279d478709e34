// Sets the remembered theme before the first paint, so that nothing flashes. A
// classic script in the head, because modules run after the page is parsed.

/**
 * Reads the theme the visitor chose earlier.
 * @returns {'light'|'dark'|null} null: none was chosen, or storage is refused.
 */
function rememberedTheme() {
  try {
    const theme = localStorage.getItem('vitrine-theme')
    return theme === 'light' || theme === 'dark' ? theme : null
  } catch {
    return null
  }
}

{
  const theme = rememberedTheme()
  if (theme) document.documentElement.dataset.theme = theme
}
