// node asyncapi.cjs <folder with node_modules> <asyncapi.yaml>: prints what the parser finds, a line each; exit 1 if anything.
const { createRequire } = require("node:module");
const [, , packages, file] = process.argv;
const { Parser, fromFile } = createRequire(`${packages}/`)("@asyncapi/parser");

async function main() {
  const { diagnostics } = await fromFile(new Parser(), file).parse();
  for (const each of diagnostics) {
    console.log(`${file}:${each.range.start.line + 1}: ${each.code} at ${each.path.join(".")}: ${each.message}`);
  }
  process.exitCode = diagnostics.length > 0 ? 1 : 0;
}

main();
