/** The drawings that come with the model, and what they show. */
export const samples = ['cat', 'house', 'sailboat', 'mushroom', 'fish', 'umbrella', 'bicycle', 'key']

/**
 * @param {string} name one of samples
 * @returns {string} its address, relative to the page
 */
export const sampleUrl = (name) => `models/emoji-clip/reference/${name}.png`
