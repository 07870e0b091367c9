// Test pictures sort and filter; without this script they are all there, in their order.
const asked = new URLSearchParams(location.hash.slice(1));
const sorts = {
  number: ["number", (one, other) => one.dataset.number - other.dataset.number],
  worst: ["worst first", (one, other) => one.dataset.rank - other.dataset.rank],
  label: ["label", (one, other) => one.dataset.label - other.dataset.label ||
    one.dataset.number - other.dataset.number],
};
function choice(words, options, chosen, changed) {
  const label = document.createElement("label"), select = document.createElement("select");
  for (const [value, text] of options) select.add(new Option(text, value));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
  select.addEventListener("change", changed);
  label.append(words, select);
  return [label, select];
}
for (const sheet of document.querySelectorAll(".sheet")) {
  const list = sheet.querySelector("ol"), pictures = [...list.children];
  const names = sheet.dataset.classes.split("\n");
  const filters = [["all", "all"], ["wrong", "wrong"], ["right", "right"],
    ...names.map((name, i) => [String(i), "labelled " + name])];
  const count = document.createElement("output"), controls = document.createElement("div");
  const show = () => {
    const of = filter.value, shown = (picture) => of === "all" ||
      (of === "wrong" ? picture.dataset.right === "0" : of === "right" ?
        picture.dataset.right === "1" : picture.dataset.label === of);
    list.append(...[...pictures].sort(sorts[sort.value][1]));
    for (const picture of pictures) picture.hidden = !shown(picture);
    count.textContent = pictures.filter(shown).length + " of " + pictures.length + " shown";
  };
  const [sortLabel, sort] = choice("Sort by",
    Object.entries(sorts).map(([value, [text]]) => [value, text]), asked.get("sort"), show);
  const [filterLabel, filter] = choice("Show", filters, asked.get("filter"), show);
  controls.className = "controls";
  controls.append(sortLabel, filterLabel, count);
  sheet.prepend(controls);
  show();
}
