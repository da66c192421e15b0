"""Suppliers, and kits by recipe."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import queries
from grants.delivery.forms.goods import RecipeForm, SupplierForm
from grants.delivery.forms.kits import RecipeChoiceForm
from grants.delivery.models import Item, KitRecipe, Supplier
from grants.delivery.queries import goods
from grants.delivery.services import catalogue, recipes
from grants.delivery.views.blueprint import bp


@bp.get("/suppliers")
@requires(Permission.MANAGE_STOCK)
def suppliers() -> ResponseReturnValue:
    return render_template("delivery/suppliers.html", page=goods.suppliers(after=page_marker()))


@bp.route("/suppliers/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def new_supplier() -> ResponseReturnValue:
    return _supplier_page(None)


@bp.route("/suppliers/<int:supplier_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def edit_supplier(supplier_id: int) -> ResponseReturnValue:
    return _supplier_page(goods.get_supplier(supplier_id))


@bp.post("/suppliers/<int:supplier_id>/retire")
@requires(Permission.MANAGE_STOCK)
def retire_supplier(supplier_id: int) -> ResponseReturnValue:
    supplier = goods.get_supplier(supplier_id)
    with said_if_refused():
        catalogue.retire(supplier, by=current_user, now=utcnow())
    return redirect(url_for(".suppliers"))


@bp.get("/recipes")
@requires(Permission.MANAGE_STOCK, Permission.PLAN_DELIVERY)
def kit_recipes() -> ResponseReturnValue:
    return render_template("delivery/recipes.html", page=goods.recipes(after=page_marker()))


@bp.route("/recipes/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def new_recipe() -> ResponseReturnValue:
    return _recipe_page(None)


@bp.route("/recipes/<int:recipe_id>", methods=["GET", "POST"])
@requires(Permission.MANAGE_STOCK)
def edit_recipe(recipe_id: int) -> ResponseReturnValue:
    return _recipe_page(goods.get_recipe(recipe_id))


@bp.post("/recipes/<int:recipe_id>/retire")
@requires(Permission.MANAGE_STOCK)
def retire_recipe(recipe_id: int) -> ResponseReturnValue:
    recipe = goods.get_recipe(recipe_id)
    with said_if_refused():
        catalogue.retire(recipe, by=current_user, now=utcnow())
    return redirect(url_for(".kit_recipes"))


@bp.route("/plan/<int:award_id>/recipe", methods=["GET", "POST"])
@requires(Permission.PLAN_DELIVERY)
def plan_by_recipe(award_id: int) -> ResponseReturnValue:
    award, offered, form = queries.get_award(award_id), goods.offered_recipes(), RecipeChoiceForm()
    form.offer(offered)
    if form.validate_on_submit():
        chosen = next(one for one in offered if str(one.id) == form.recipe.data)
        with errors_to(form), transaction():
            delivery = recipes.plan_by_recipe(award, chosen, by=current_user, now=utcnow())
            return redirect(url_for(".show", delivery_id=delivery.id))
    return render_template("delivery/plan_by_recipe.html", form=form, award=award, recipes=offered)


def _supplier_page(supplier: Supplier | None) -> ResponseReturnValue:
    form = SupplierForm(obj=supplier)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            catalogue.save_supplier(
                supplier, name=str(form.name.data), contact=str(form.contact.data or ""), by=current_user, now=utcnow()
            )
            return redirect(url_for(".suppliers"))
    return render_template("delivery/supplier_form.html", form=form, supplier=supplier)


def _recipe_page(recipe: KitRecipe | None) -> ResponseReturnValue:
    items = goods.offered_items()
    form = RecipeForm.with_rows(items, recipe)
    if form.validate_on_submit():
        known: dict[int, Item] = {item.id: item for item in items}
        known |= {line.item_id: line.item for line in (recipe.lines if recipe else [])}
        lines = [(known[item_id], quantity) for item_id, quantity in form.chosen]
        with errors_to(form), transaction():
            catalogue.save_recipe(recipe, name=str(form.name.data), lines=lines, by=current_user, now=utcnow())
            return redirect(url_for(".kit_recipes"))
    return render_template("delivery/recipe_form.html", form=form, recipe=recipe)
