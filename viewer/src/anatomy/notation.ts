/** Names of teeth: FDI (ISO 3950), Universal, Palmer. */

export type Notation = 'FDI' | 'Universal' | 'Palmer'

export const NOTATIONS: Notation[] = ['FDI', 'Universal', 'Palmer']

const FIRST_DECIDUOUS = 50
const TEETH_OF_A_QUADRANT = 8
const DECIDUOUS_OF_A_QUADRANT = 5
const QUADRANTS = ['UR', 'UL', 'LL', 'LR']

/** Upper right, upper left, lower left, lower right: 0 to 3, for both dentitions. */
export function quadrantOf(fdi: number): number {
  return (Math.floor(fdi / 10) - 1) % 4
}

export function isDeciduous(fdi: number): boolean {
  return fdi > FIRST_DECIDUOUS
}

/** What stands on the tooth in a chart; Palmer's corner is drawn around it. */
export function shortName(fdi: number, notation: Notation): string {
  if (notation === 'FDI') return String(fdi)
  return notation === 'Universal' ? universal(fdi) : palmerDigit(fdi)
}

/** The same where no chart shows the quadrant. */
export function plainName(fdi: number, notation: Notation): string {
  return notation === 'Palmer' ? QUADRANTS[quadrantOf(fdi)] + palmerDigit(fdi) : shortName(fdi, notation)
}

function palmerDigit(fdi: number): string {
  const place = fdi % 10
  return isDeciduous(fdi) ? letter(place - 1) : String(place)
}

/** 1 to 32 from the upper right wisdom tooth round to the lower right one; A to T for deciduous teeth. */
function universal(fdi: number): string {
  const count = isDeciduous(fdi) ? DECIDUOUS_OF_A_QUADRANT : TEETH_OF_A_QUADRANT
  const quadrant = quadrantOf(fdi)
  const place = fdi % 10
  const runsToMidline = quadrant % 2 === 0
  const index = quadrant * count + (runsToMidline ? count - place : place - 1)
  return isDeciduous(fdi) ? letter(index) : String(index + 1)
}

function letter(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index)
}
