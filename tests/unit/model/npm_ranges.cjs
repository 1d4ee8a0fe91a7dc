// What npm's semver says of ranges. Its folder is the argument; the first line of the input is a list of
// versions, each further one is a range. A range is answered with a line of its own: null where npm refuses
// it, otherwise how npm writes it, and a digit for each version, 1 where it satisfies the range.
const readline = require('readline')
const { Range, SemVer } = require(process.argv[2])

let versions
readline.createInterface({ input: process.stdin }).on('line', line => {
  const given = JSON.parse(line)
  if (versions === undefined) {
    versions = given.map(version => new SemVer(version))
    return
  }
  let range
  try {
    range = new Range(given)
  } catch (error) {
    console.log('null')
    return
  }
  const satisfied = versions.map(version => range.test(version) ? '1' : '0').join('')
  console.log(JSON.stringify([range.range, satisfied]))
})
