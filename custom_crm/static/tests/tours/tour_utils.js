/** Choose a record in a many2one by a part of its name. */
export function choose(field, text, scope = "") {
    return [
        {
            content: `Look for «${text}»`,
            trigger: `${scope} div[name=${field}] input`,
            run: `edit ${text}`,
        },
        {
            content: `Take «${text}»`,
            trigger: `.ui-menu-item a:contains("${text}")`,
            run: "click",
        },
    ];
}
