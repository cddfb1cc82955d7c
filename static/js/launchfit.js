// What of the launch form has a say: objectives that the chosen rows can teach, methods of the objective, settings of both.

// Options that do not fit are not offered; when the chosen one does not, the first that fits takes its place.
function offer(select, fits) {
  for (const option of select.options) option.hidden = option.disabled = !fits(option);
  if (select.selectedOptions[0]?.disabled) select.value = [...select.options].find((option) => !option.disabled)?.value ?? select.value;
}

const has = (wanted, value) => !wanted || wanted.length === 0 || wanted.includes(value);

export function fit(form, { objectives, relevance }) {
  const { objective, method } = { objective: form.elements["recipe.objective"], method: form.elements["recipe.method"] };
  const rows = form.elements.dataset_version.selectedOptions[0]?.dataset.form;
  offer(objective, ({ value }) => objectives[value].forms.includes(rows));
  offer(method, ({ value }) => has(objectives[objective.value].methods, value));
  for (const [name, { objectives: aims, methods }] of Object.entries(relevance)) {
    const place = form.querySelector(`[data-setting="${name}"]`);
    if (place) place.hidden = !has(aims, objective.value) || !has(methods, method.value);
  }
  document.getElementById("objective-help").textContent = objectives[objective.value].help;
}
