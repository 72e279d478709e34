// The page of the bench's figures: they stand in it, so all there is to do is the theme.

import { enableThemes } from './page/themes.js'

enableThemes(() => {})
