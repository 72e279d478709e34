// The ceiling of the machine, measured as a contestant.

/**
 * A contestant for takeTurns whose run resolves to {plain, relaxed}, each {f32, q8}
 * in billions (10⁹) of multiplications and additions a second.
 */
export async function openCeiling(browser, places) {
  const page = await browser.open({ script: 'ceiling', mounts: { '/js/': places.js, '/sources/': places.sources } })
  return { name: 'ceiling', run: () => page.call('run'), close: () => page.close() }
}
